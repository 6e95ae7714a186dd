using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.Runtime;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Verifying;

/// <summary>
/// Where emitted code rounds more than weights (inputs of block products, keys and values), both engines are held against the double-precision
/// reference, so that what the formats round and what the code gets wrong are told apart.
/// </summary>
/// <param name="Emitted">Emitted code against the reference that rounds all that it rounds, and as it did in the middle between two steps: faults of the code.</param>
/// <param name="Onnx">ONNX Runtime against the reference on the dequantised weights, which rounds nothing else: faults of the export.</param>
/// <param name="Inputs">What rounding inputs, keys and values costs: the first reference against the second.</param>
/// <param name="Weights">What rounding the weights costs: the second reference against the model as published.</param>
/// <param name="Layers">As <paramref name="Emitted"/>, layer by layer.</param>
/// <param name="OnnxLayers">As <paramref name="Onnx"/>, layer by layer.</param>
/// <param name="Counts">What the emitted code rounded.</param>
internal sealed record Roundings(
    LogitsDifference Emitted, LogitsDifference Onnx, LogitsDifference Inputs, LogitsDifference Weights, LayerDifference[] Layers, LayerDifference[] OnnxLayers, RoundingCounts Counts)
{
    /// <summary>True where the emitted code rounds something that ONNX Runtime does not.</summary>
    public static bool AreIn(ModelPlan plan) => plan.Cache.Block.Format is not F32Cache || plan.Weights.Matrices.Any(matrix => matrix.Format is BlockFormat);
}

/// <summary>Inputs, keys and values that the emitted code rounded.</summary>
/// <param name="Rounded">How many.</param>
/// <param name="Followed">Of these, how many lay in the middle between two steps and went the other way than in double precision, where the reference went with them.</param>
/// <param name="Farthest">How far from the middle the farthest of those lay, as RoundingWitness.Tie is measured.</param>
/// <param name="Wrong">How many were rounded another way although there was one right way.</param>
/// <param name="HasSameBits">What shows all this, the class with taps, gave the same bits as the class without.</param>
internal sealed record RoundingCounts(long Rounded, long Followed, double Farthest, long Wrong, bool HasSameBits);

/// <summary>Adds up <see cref="Roundings"/>, sequence by sequence.</summary>
internal sealed class RoundingComparison(PlannedModel model, CompiledModel traced, double onnxTolerance)
{
    private readonly RoundedParameters rounded = new(model.Plan.Weights, model.Parameters);
    private readonly LogitsComparison code = new(), export = new(), inputs = new(), weights = new();
    private LayerDifference[] layers = [], onnxLayers = [];
    private RoundingCounts counts = new(0, 0, 0, 0, HasSameBits: true);

    /// <summary>What was found so far.</summary>
    public Roundings Found => new(code.Found, export.Found, inputs.Found, weights.Found, layers, onnxLayers, counts);

    /// <summary>Adds what both engines made of a sequence.</summary>
    public void Add(int[] tokens, EngineRun emitted, EngineRun onnx, CancellationToken cancellation)
    {
        ModelPlan plan = model.Plan;
        int vocab = plan.Graph.Dimensions.Vocab;
        TracedRun run = TracedRun.Of(traced, plan, tokens, emitted, cancellation);
        EngineRun alike = ReferenceRun.Of(plan.Graph, rounded, tokens, plan.Weights, plan.Cache.Block.Format, run.Roundings);
        code.Add(emitted.Logits, alike.Logits, vocab);
        layers = LayerDifference.Worst(layers, LayerDifference.Of(emitted.Layers, alike.Layers, Verifier.ReferenceTolerance));
        counts = new(
            counts.Rounded + run.Roundings.Rounded, counts.Followed + run.Roundings.Followed, Math.Max(counts.Farthest, run.Roundings.Farthest), counts.Wrong + run.Roundings.Wrong,
            counts.HasSameBits && run.HasSameBits);

        cancellation.ThrowIfCancellationRequested();
        EngineRun dequantised = ReferenceRun.Of(plan.Graph, rounded, tokens);
        export.Add(onnx.Logits, dequantised.Logits, vocab);
        onnxLayers = LayerDifference.Worst(onnxLayers, LayerDifference.Of(onnx.Layers, dequantised.Layers, onnxTolerance));
        inputs.Add(alike.Logits, dequantised.Logits, vocab);
        cancellation.ThrowIfCancellationRequested();
        weights.Add(dequantised.Logits, ReferenceRun.Of(plan.Graph, model.Parameters, tokens).Logits, vocab);
    }
}
