using System.Globalization;
using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Verifying;

/// <summary>What is compared.</summary>
/// <param name="Prompts">Sequences.</param>
/// <param name="Length">Tokens of each: a prompt, of which the last <see cref="Decoded"/> are read one by one.</param>
/// <param name="Seed">Of the tokens.</param>
/// <param name="GreedyTokens">Tokens to write at temperature 0; 0: none.</param>
internal sealed record VerificationWork(int Prompts, int Length, ulong Seed, int GreedyTokens)
{
    /// <summary>Tokens at the end of a sequence that are read one by one.</summary>
    public int Decoded => Math.Min(8, Length / 2);

    /// <summary>Sequence <paramref name="index"/>: the same for everyone.</summary>
    public int[] Tokens(int index, int vocab)
    {
        ulong state = Seed + ((ulong)index * 0x9E3779B97F4A7C15) + 1;
        int[] tokens = new int[Length];
        foreach (ref int token in tokens.AsSpan())
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            token = (int)((state >> 33) % (ulong)vocab);
        }

        return tokens;
    }
}

/// <summary>What a verification found.</summary>
/// <param name="Logits">Emitted code against ONNX Runtime.</param>
/// <param name="Layers">The same, layer by layer: the worst of all sequences. With <paramref name="Roundings"/>: against the reference that rounds alike.</param>
/// <param name="Roundings">Both against the reference, where emitted code rounds more than weights.</param>
/// <param name="Greedy">Texts, or null.</param>
/// <param name="Tolerance">Relative difference of the logits up to which the engines agree.</param>
/// <param name="Faults">Why they do not agree; empty: they do.</param>
internal sealed record Verification(
    LogitsDifference Logits, IReadOnlyList<LayerDifference> Layers, Roundings? Roundings, GreedyTexts? Greedy, double Tolerance, IReadOnlyList<string> Faults)
{
    /// <summary>The engines agree.</summary>
    public bool Agrees => Faults.Count == 0;

    /// <summary>The first layer whose keys or values are farther apart than rounding explains, or −1.</summary>
    public int FirstLayerApart => Layers.FirstOrDefault(layer => layer.IsApart)?.Layer ?? -1;
}

/// <summary>Runs emitted code and ONNX Runtime on the same sequences and holds one against the other.</summary>
internal static class Verifier
{
    /// <summary>One float32 engine against the double-precision reference, as in all tests of this project.</summary>
    public const double ReferenceTolerance = 2e-5;

    /// <summary>Two of them against one another.</summary>
    public const double FloatTolerance = 2 * ReferenceTolerance;

    /// <summary>Half-precision activations, keys and values on the other side: 11 bits, over all layers.</summary>
    public const double HalfTolerance = 2e-2;

    public static Verification Run(PlannedModel planned, CompiledModel model, OnnxModel witness, VerificationWork work, CancellationToken cancellation)
    {
        ModelDescription description = model.Description;
        int prompt = work.Length - work.Decoded;
        double tolerance = witness.Shape.IsHalf ? HalfTolerance : FloatTolerance;
        List<double> emittedLogits = [], onnxLogits = [];
        LayerDifference[]? layers = null;
        Roundings? roundings = null;
        for (int i = 0; i < work.Prompts; i++)
        {
            int[] tokens = work.Tokens(i, description.Vocab);
            EngineRun emitted = EngineRun.Of(model, tokens, prompt, cancellation);
            EngineRun onnx = EngineRun.Of(witness, description, tokens, prompt, cancellation);
            emittedLogits.AddRange(emitted.Logits);
            onnxLogits.AddRange(onnx.Logits);
            LayerDifference[] found = LayerDifference.Of(emitted.Layers, onnx.Layers, _ => tolerance);
            layers = layers is null ? found : LayerDifference.Worst(layers, found);
            if (i == 0 && Roundings.AreIn(planned.Plan))
            {
                roundings = Roundings.Of(planned, tokens, emitted, onnx);
            }

            cancellation.ThrowIfCancellationRequested();
        }

        GreedyTexts? greedy = work.GreedyTokens > 0
            ? GreedyTexts.Write(model, witness, work.Tokens(0, description.Vocab)[..Math.Min(8, work.Length)], work.GreedyTokens, cancellation)
            : null;
        LogitsDifference logits = LogitsDifference.Of(emittedLogits.ToArray(), onnxLogits.ToArray(), description.Vocab);
        return Judge(new(logits, roundings?.Layers ?? layers!, roundings, greedy, roundings?.EmittedTolerance ?? tolerance, []), witness.Shape.IsHalf);
    }

    private static Verification Judge(Verification found, bool isHalf)
    {
        List<string> faults = [];
        void Within(string what, double value, double most)
        {
            if (!(value <= most))
            {
                faults.Add(string.Create(CultureInfo.InvariantCulture, $"{what}: found a relative difference of {value:0.0e+00}, expected at most {most:0.0e+00}"));
            }
        }

        if (found.Layers.FirstOrDefault(layer => layer.IsApart) is { } first)
        {
            Within($"keys and values from layer {first.Layer} on", first.Relative, first.Tolerance);
        }

        if (found.Roundings is not { } roundings)
        {
            Within("logits of the emitted code and of ONNX Runtime", found.Logits.Relative, found.Tolerance);
        }
        else
        {
            Within("logits of ONNX Runtime and of the reference on the dequantised weights", roundings.Onnx.Relative, isHalf ? HalfTolerance : ReferenceTolerance);
            Within("logits of the emitted code and of the reference that rounds as it does", roundings.Emitted.Relative, found.Tolerance);
            if (roundings.HasExactRows)
            {
                Within("logits of the emitted code and of the reference that rounds as it does, in the best tenth of the rows", roundings.Emitted.BestTenth, ReferenceTolerance);
            }
        }

        return found with { Faults = faults };
    }
}
