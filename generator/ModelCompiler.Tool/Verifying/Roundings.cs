using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Verifying;

/// <summary>
/// Where emitted code rounds more than weights (inputs of block products, keys and values), both engines are held against the double-precision
/// reference, so that what the formats round and what the code gets wrong are told apart.
/// </summary>
/// <param name="Emitted">Emitted code against the reference that rounds all that it rounds: faults of the code.</param>
/// <param name="Onnx">ONNX Runtime against the reference on the dequantised weights, which rounds nothing else: faults of the export.</param>
/// <param name="Inputs">What rounding inputs, keys and values costs: the first reference against the second.</param>
/// <param name="Weights">What rounding the weights costs: the second reference against the model as published.</param>
/// <param name="Layers">As <paramref name="Emitted"/>, layer by layer.</param>
/// <param name="RoundedInputs">Numbers of a row that are rounded to integers on their way through the model.</param>
internal sealed record Roundings(
    LogitsDifference Emitted, LogitsDifference Onnx, LogitsDifference Inputs, LogitsDifference Weights, LayerDifference[] Layers, long RoundedInputs)
{
    /// <summary>
    /// An input in the middle between two integers may go the other way than in double precision, about one in ten thousand. From there on the two
    /// runs round differently, and in a deep model end as far apart as rounding and not rounding do; but not farther.
    /// </summary>
    private const double OfTheCost = 1.5;

    /// <summary>Where fewer inputs than this are rounded in the first tenth of the rows, none of them is likely to go the other way. A row reads all rows before it, so it is as exact as those.</summary>
    private const long InputsPerFlip = 10_000;

    /// <summary>How far emitted code may be from the reference that rounds alike.</summary>
    public double EmittedTolerance => Math.Max(OfTheCost * Inputs.Relative, Verifier.ReferenceTolerance);

    /// <summary>Some rows must agree as in float formats.</summary>
    public bool HasExactRows => RoundedInputs * Math.Max(1, Emitted.Rows / 10) is > 0 and < InputsPerFlip;

    /// <summary>True where the emitted code rounds something that ONNX Runtime does not.</summary>
    public static bool AreIn(ModelPlan plan) => plan.Cache.Block.Format is not F32Cache || plan.Weights.Matrices.Any(matrix => matrix.Format is BlockFormat);

    public static Roundings Of(PlannedModel model, int[] tokens, EngineRun emitted, EngineRun onnx)
    {
        ModelPlan plan = model.Plan;
        int vocab = plan.Graph.Dimensions.Vocab;
        PublishedParameters published = new(model.Folder);
        RoundedParameters rounded = new(plan.Weights, published);
        EngineRun alike = ReferenceRun.Of(plan.Graph, rounded, plan.Weights, plan.Cache.Block.Format, tokens);
        EngineRun dequantised = ReferenceRun.Of(plan.Graph, rounded, null, F32Cache.Instance, tokens);
        EngineRun exact = ReferenceRun.Of(plan.Graph, published, null, F32Cache.Instance, tokens);
        LayerDifference[] cost = LayerDifference.Of(alike.Layers, dequantised.Layers, _ => 0);
        return new(
            LogitsDifference.Of(emitted.Logits, alike.Logits, vocab), LogitsDifference.Of(onnx.Logits, dequantised.Logits, vocab),
            LogitsDifference.Of(alike.Logits, dequantised.Logits, vocab), LogitsDifference.Of(dequantised.Logits, exact.Logits, vocab),
            LayerDifference.Of(emitted.Layers, alike.Layers, layer => Math.Max(OfTheCost * cost[layer].Relative, Verifier.ReferenceTolerance)),
            plan.Weights.Matrices.Where(matrix => matrix.Format is BlockFormat).Sum(matrix => (long)matrix.PaddedInputs));
    }
}
