using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// A size that remembers which setting it comes from, so that a tensor of another size can be reported at that line of the
/// config. Products and quotients keep the place of their left side.
/// </summary>
/// <param name="Value">The number.</param>
/// <param name="Name">The setting's name, or the formula: <c>num_attention_heads × head_dim</c>.</param>
/// <param name="Where">The setting's value in the file.</param>
public readonly record struct Size(int Value, string Name, SourceSpan Where)
{
    public static implicit operator int(Size size) => size.Value;

    public static Size operator *(Size left, Size right)
        => new(checked(left.Value * right.Value), left.Name + " × " + right.Name, left.Where);

    public static Size operator *(int factor, Size size)
        => new(checked(factor * size.Value), $"{factor} × {size.Name}", size.Where);

    /// <summary>Whole division; whether it leaves a remainder is for the caller to check.</summary>
    public static Size operator /(Size left, Size right)
        => new(left.Value / right.Value, left.Name + " / " + right.Name, left.Where);

    public override string ToString() => $"{Name} {Value}";
}
