using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Tracing;

namespace ModelCompiler.Tool.Verifying;

/// <summary>
/// How the emitted code rounded a sequence, as the same class with taps shows it (<see cref="Compiler.ModelFeatures.Trace"/>). That the taps change nothing is seen by its logits: they are the
/// bits of the class without.
/// </summary>
/// <param name="Roundings">What was rounded, for the reference.</param>
/// <param name="HasSameBits">The logits are those of the class without taps.</param>
internal sealed record TracedRun(RoundingWitness Roundings, bool HasSameBits)
{
    /// <summary>Tokens at once: a trace keeps attention weights of all positions too.</summary>
    private const int Piece = 32;

    public static TracedRun Of(CompiledModel traced, ModelPlan plan, int[] tokens, EngineRun emitted, CancellationToken cancellation)
    {
        Value[] inputs = [.. plan.Trace!.Inputs];
        List<float>[] kept = [.. inputs.Select(_ => new List<float>())];
        using Session session = traced.CreateSession();
        bool same = true;
        for (int first = 0; first < tokens.Length; first += Piece)
        {
            ForwardTrace trace = session.TraceWith(tokens.AsSpan(first, Math.Min(Piece, tokens.Length - first)), keepsInputs: true, cancellation);
            float[] logits = session.Logits.ToArray();
            same &= Bits(logits).SequenceEqual(Bits(emitted.Logits.AsSpan(first * traced.Description.Vocab, logits.Length)));
            for (int input = 0; input < inputs.Length; input++)
            {
                kept[input].AddRange(trace.Input(input));
            }
        }

        RoundingWitness roundings = new();
        for (int input = 0; input < inputs.Length; input++)
        {
            roundings.AddInput(inputs[input], [.. kept[input]]);
        }

        foreach ((Attention attention, LayerCache cache) in plan.Graph.Operations.OfType<Attention>().Zip(emitted.Layers))
        {
            roundings.AddCached(attention.Key, cache.Keys);
            roundings.AddCached(attention.Values, cache.Values);
        }

        return new(roundings, same);
    }

    private static ReadOnlySpan<uint> Bits(ReadOnlySpan<float> numbers) => MemoryMarshal.Cast<float, uint>(numbers);
}
