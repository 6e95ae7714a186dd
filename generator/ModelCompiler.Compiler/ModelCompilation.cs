using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler;

/// <summary>What the user chose for a model. Weights: a format's name.</summary>
public sealed record PlanOptions(string Weights = "f32");

/// <summary>What the emitted class is called, and the packed file that it belongs to.</summary>
/// <param name="Namespace">Empty: the global namespace.</param>
/// <param name="ClassName">A valid C# identifier.</param>
/// <param name="Modifiers">Such as <c>public sealed</c>; the generator repeats what the user's declaration says.</param>
/// <param name="ContentHash">SHA-256 of the packed file's content, lower-case hexadecimal.</param>
/// <param name="WeightsFile">File name of the packed weights.</param>
/// <param name="EmbeddedResource">Name of the resource that holds them instead, or null.</param>
public sealed record EmitOptions(
    string Namespace, string ClassName, string Modifiers, string ContentHash, string WeightsFile, string? EmbeddedResource);

/// <summary>An emitted file. The same text for the same model on any machine and culture; lines end in \n.</summary>
public sealed record GeneratedFile(string HintName, string Text);

/// <summary>
/// The compiler core, front to back: inputs → graph → passes → plan → emitted files. Pure: text in, text out.
/// </summary>
public static class ModelCompilation
{
    /// <summary>Maps, verifies, fuses and plans a model. Returns null when <paramref name="diagnostics"/> received an error.</summary>
    public static ModelPlan? Plan(ModelInputs inputs, PlanOptions options, ICollection<ModelDiagnostic> diagnostics) => throw new NotImplementedException();

    /// <summary>Writes the C# of a planned model.</summary>
    public static EquatableArray<GeneratedFile> Emit(ModelPlan plan, EmitOptions options, CancellationToken cancellation = default) => throw new NotImplementedException();
}
