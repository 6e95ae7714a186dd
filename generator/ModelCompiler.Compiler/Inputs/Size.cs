using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>A setting that a size comes from.</summary>
/// <param name="Name">As the config has it: <c>head_dim</c>.</param>
/// <param name="Value">The number.</param>
/// <param name="Where">Its value in the file.</param>
public sealed record Setting(string Name, int Value, SourceSpan Where);

/// <summary>
/// A size that remembers which settings it comes from, so that a tensor of another size can be reported at that line of the
/// config. Products and quotients keep the place of their left side.
/// </summary>
/// <param name="Value">The number.</param>
/// <param name="Name">The setting's name, or the formula: <c>num_attention_heads × head_dim</c>.</param>
/// <param name="Where">The setting's value in the file.</param>
public readonly record struct Size(int Value, string Name, SourceSpan Where)
{
    private IReadOnlyList<Setting>? Factors { get; init; }

    private Func<string, int, long>? Formula { get; init; }

    /// <summary>The settings in the formula, from left to right; one that occurs twice is there twice.</summary>
    public IReadOnlyList<Setting> Settings => Factors ?? [new(Name, Value, Where)];

    public static implicit operator int(Size size) => size.Value;

    public static Size operator *(Size left, Size right)
        => new(checked(left.Value * right.Value), left.Name + " × " + right.Name, left.Where)
        {
            Factors = [.. left.Settings, .. right.Settings],
            Formula = (setting, value) => left.Given(setting, value) * right.Given(setting, value),
        };

    public static Size operator *(int factor, Size size)
        => new(checked(factor * size.Value), $"{factor} × {size.Name}", size.Where)
        {
            Factors = size.Settings,
            Formula = (setting, value) => factor * size.Given(setting, value),
        };

    /// <summary>Whole division; whether it leaves a remainder is for the caller to check.</summary>
    public static Size operator /(Size left, Size right)
        => new(left.Value / right.Value, left.Name + " / " + right.Name, left.Where)
        {
            Factors = [.. left.Settings, .. right.Settings],
            Formula = (setting, value) => left.Given(setting, value) / right.Given(setting, value),
        };

    /// <summary>What the size would be if one setting, by name, had another value, from 1 up. Divides as the size itself does.</summary>
    public long Given(string setting, int value) => Formula is { } formula ? formula(setting, value) : setting == Name ? value : Value;

    /// <summary>A shape with the formulas of its sizes: <c>[97, 40] (vocab_size, hidden_size)</c>.</summary>
    public static string Describe(IReadOnlyList<Size> shape)
        => $"{DiagnosticReporting.Shape(shape.Select(size => size.Value))} ({string.Join(", ", shape.Select(size => size.Name))})";

    public override string ToString() => $"{Name} {Value}";
}
