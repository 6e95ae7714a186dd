using System.Globalization;
using ModelCompiler.Compiler.Reference;
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
/// <param name="Tolerance">Relative difference of the logits up to which the engines agree; with <paramref name="Roundings"/>: of the emitted code and its reference.</param>
/// <param name="OnnxTolerance">With <paramref name="Roundings"/>: of ONNX Runtime and its reference.</param>
/// <param name="Faults">Why they do not agree; empty: they do.</param>
internal sealed record Verification(
    LogitsDifference Logits, IReadOnlyList<LayerDifference> Layers, Roundings? Roundings, GreedyTexts? Greedy, double Tolerance, double OnnxTolerance, IReadOnlyList<string> Faults)
{
    /// <summary>The engines agree.</summary>
    public bool Agrees => Faults.Count == 0;

    /// <summary>The first layer whose keys or values are farther apart than float arithmetic explains, or −1.</summary>
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

    /// <summary>Compares <paramref name="work"/>'s sequences, one after the other.</summary>
    /// <param name="planned">The model, planned with taps.</param>
    /// <param name="model">The emitted code.</param>
    /// <param name="traced">Loads the same with taps; called only where the emitted code rounds more than weights.</param>
    /// <param name="witness">ONNX Runtime.</param>
    /// <param name="work">What to compare.</param>
    /// <param name="cancellation">Looked at between tokens and runs of the reference.</param>
    public static Verification Run(PlannedModel planned, CompiledModel model, Func<CompiledModel> traced, OnnxModel witness, VerificationWork work, CancellationToken cancellation)
    {
        ModelDescription description = model.Description;
        int prompt = work.Length - work.Decoded;
        double ofOnnx = witness.Shape.IsHalf ? HalfTolerance : ReferenceTolerance, ofBoth = witness.Shape.IsHalf ? HalfTolerance : FloatTolerance;
        using CompiledModel? looked = Roundings.AreIn(planned.Plan) ? traced() : null;
        RoundingComparison? roundings = looked is null ? null : new(planned, looked, ofOnnx);
        LogitsComparison logits = new();
        LayerDifference[] layers = [];
        for (int i = 0; i < work.Prompts; i++)
        {
            int[] tokens = work.Tokens(i, description.Vocab);
            EngineRun emitted = EngineRun.Of(model, tokens, prompt, cancellation);
            EngineRun onnx = EngineRun.Of(witness, description, tokens, prompt, cancellation);
            logits.Add(emitted.Logits, onnx.Logits, description.Vocab);
            layers = LayerDifference.Worst(layers, LayerDifference.Of(emitted.Layers, onnx.Layers, ofBoth));
            roundings?.Add(tokens, emitted, onnx, cancellation);
            cancellation.ThrowIfCancellationRequested();
        }

        GreedyTexts? greedy = work.GreedyTokens > 0
            ? GreedyTexts.Write(model, witness, work.Tokens(0, description.Vocab)[..Math.Min(8, work.Length)], work.GreedyTokens, cancellation)
            : null;
        Roundings? found = roundings?.Found;
        return Judge(new(logits.Found, found?.Layers ?? layers, found, greedy, found is null ? ofBoth : ReferenceTolerance, ofOnnx, []));
    }

    private static Verification Judge(Verification found)
    {
        List<string> faults = [];
        void Within(string what, double value, double most)
        {
            if (!(value <= most))
            {
                faults.Add(string.Create(
                    CultureInfo.InvariantCulture, $"{what}: found {(double.IsFinite(value) ? $"a relative difference of {value:0.0e+00}" : "numbers that are not finite")}, expected a relative difference of at most {most:0.0e+00}"));
            }
        }

        void AllWithin(string of, IEnumerable<LayerDifference> layers)
        {
            if (layers.FirstOrDefault(layer => layer.IsApart) is { } first)
            {
                Within($"keys and values{of} from layer {first.Layer} on", first.Relative, first.Tolerance);
            }
        }

        if (found.Roundings is not { } roundings)
        {
            AllWithin("", found.Layers);
            Within("logits of the emitted code and of ONNX Runtime", found.Logits.Relative, found.Tolerance);
            return found with { Faults = faults };
        }

        AllWithin(" of the emitted code", found.Layers);
        Within("logits of the emitted code and of the reference that rounds as it does", roundings.Emitted.Relative, found.Tolerance);
        AllWithin(" of ONNX Runtime", roundings.OnnxLayers);
        Within("logits of ONNX Runtime and of the reference on the dequantised weights", roundings.Onnx.Relative, found.OnnxTolerance);
        if (roundings.Counts is { Wrong: > 0 and var wrong, Rounded: var all })
        {
            faults.Add(string.Create(
                CultureInfo.InvariantCulture, $"inputs, keys and values of the emitted code: found {wrong:N0} of {all:N0} rounded another way than the reference rounds them, expected that only within {RoundingWitness.Tie} of a step from the middle between two"));
        }

        if (!roundings.Counts.HasSameBits)
        {
            faults.Add("logits of the emitted code with taps and without: found different bits, expected the same");
        }

        return found with { Faults = faults };
    }
}
