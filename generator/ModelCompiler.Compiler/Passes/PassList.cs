using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>A rewrite of the graph that keeps its meaning.</summary>
public sealed record Pass(string Name, Func<ModelGraph, ModelGraph> Apply);

/// <summary>The passes of inference, in order. Each may be dumped: see <see cref="Run"/>.</summary>
public static class PassList
{
    /// <summary>From the graph as mapped to the graph as planned.</summary>
    public static IReadOnlyList<Pass> Inference { get; } =
    [
        new("fuse-embedding", FuseEmbedding.Apply),     // token + position + scale: one row, written once
        new("fuse-attention", FuseAttention.Apply),     // norm and rotation of q and k where they are used
        new("fuse-gate", FuseGate.Apply),               // f(Wg x) · (Wu x): gate and up share the walk over x
        new("fuse-epilogue", FuseEpilogue.Apply),       // activation and residual on the tile, while it is in L1
        new("fuse-projections", FuseProjections.Apply), // q, k, v: one matrix, one stage, one barrier
    ];

    /// <summary>Runs the list; <paramref name="afterEach"/> sees every graph on the way (verification, dumps).</summary>
    public static ModelGraph Run(ModelGraph graph, Action<string, ModelGraph>? afterEach = null)
    {
        foreach (Pass pass in Inference)
        {
            graph = pass.Apply(graph);
            afterEach?.Invoke(pass.Name, graph);
        }

        return graph;
    }
}
