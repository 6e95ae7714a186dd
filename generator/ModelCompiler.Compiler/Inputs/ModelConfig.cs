namespace ModelCompiler.Compiler.Inputs;

/// <summary>config.json, parsed, with the position of every value. (Filled in by the inputs work.)</summary>
public sealed record ModelConfig(TextFile File);
