using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Passes;

/// <summary>A rewrite of the graph that keeps its meaning.</summary>
public sealed record Pass(string Name, Func<ModelGraph, FormatChoice, ModelGraph> Apply);

/// <summary>The passes of inference, in order. Each may be dumped: see <see cref="Run"/>.</summary>
public static class PassList
{
    /// <summary>From the graph as mapped to the graph as planned.</summary>
    public static IReadOnlyList<Pass> Inference { get; } =
    [
        new("fuse-embedding", (graph, _) => FuseEmbedding.Apply(graph)),     // token + position + scale: one row, written once
        new("fuse-attention", (graph, _) => FuseAttention.Apply(graph)),     // norm and rotation of q and k where they are used
        new("fuse-gate", (graph, _) => FuseGate.Apply(graph)),               // f(Wg x) · (Wu x): gate and up share the walk over x
        new("fuse-epilogue", (graph, _) => FuseEpilogue.Apply(graph)),       // activation and residual on the tile, while it is in L1
        new("fuse-projections", (graph, _) => FuseProjections.Apply(graph)), // q, k, v: one matrix, one stage, one barrier
        new("quantise-inputs", QuantiseInputs.Apply), // block formats multiply integers: quantise each input once
    ];

    /// <summary>Runs the list; <paramref name="afterEach"/> sees every graph on the way (verification, dumps).</summary>
    public static ModelGraph Run(ModelGraph graph, FormatChoice formats, Action<string, ModelGraph>? afterEach = null)
    {
        foreach (Pass pass in Inference)
        {
            graph = pass.Apply(graph, formats);
            afterEach?.Invoke(pass.Name, graph);
        }

        return graph;
    }
}
