using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>Every decision about a model, made: emission and packing only carry it out.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Graph">The model as mapped, before fusion.</param>
/// <param name="Format">Name of the format of its matrices.</param>
/// <param name="Weights">Layout of the packed weights.</param>
/// <param name="Hash">SHA-256 of the layout, lower-case hexadecimal: ties emitted code to its packed file.</param>
/// <param name="BytesPerToken">Weight bytes that one decoded token reads.</param>
public sealed record ModelPlan(string Name, ModelGraph Graph, string Format, PackedWeights Weights, string Hash, long BytesPerToken);
