using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// True or false, remembering which setting it comes from, as a <see cref="Size"/> does, so that tensors which are missing or left over because of it can be reported at that line of the config.
/// Without a name it is the family that has it so: <see cref="Always"/>, or false, the default.
/// </summary>
/// <param name="Value">What holds.</param>
/// <param name="Name">The setting's name: <c>attention_bias</c>.</param>
/// <param name="Where">The setting's value in the file, or, when it is absent, where its object begins.</param>
/// <param name="IsSet">The config has the setting; else the family's usual value holds.</param>
public readonly record struct Flag(bool Value, string? Name, SourceSpan Where, bool IsSet)
{
    /// <summary>True, whatever the config says.</summary>
    public static Flag Always { get; } = new(true, null, default, false);

    public static implicit operator bool(Flag flag) => flag.Value;

    /// <summary>As a sentence says it: <c>attention_bias is true</c>.</summary>
    public override string ToString() => $"{Name} is {(IsSet ? "" : "not set, and so ")}{Text(Value)}";

    /// <summary>What to do where the other value is meant: <c>set attention_bias to false</c>.</summary>
    internal string Correction => $"set {Name} to {Text(!Value)}";

    private static string Text(bool value) => value ? "true" : "false";
}
