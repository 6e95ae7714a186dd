using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Passes;

/// <summary>A rewrite of the graph that keeps its meaning.</summary>
public sealed record Pass(string Name, Func<ModelGraph, FormatChoice, ModelGraph> Apply);

/// <summary>The passes of inference and of training, in order. Each may be dumped: see <see cref="Run"/>.</summary>
public static class PassList
{
    /// <summary>Of inference, from the graph as mapped to the graph as planned.</summary>
    public static IReadOnlyList<Pass> Inference { get; } =
    [
        new("fuse-embedding", (graph, _) => FuseEmbedding.Apply(graph)),     // token + position + scale: one row, written once
        new("fuse-attention", (graph, _) => FuseAttention.Apply(graph)),     // norm and rotation of q and k where they are used
        new("fuse-gate", (graph, _) => FuseGate.Apply(graph)),               // f(Wg x) · (Wu x): gate and up share the walk over x
        new("fuse-epilogue", (graph, _) => FuseEpilogue.Apply(graph)),       // activation and residual on the tile, while it is in L1
        new("fuse-projections", (graph, _) => FuseProjections.Apply(graph)), // q, k, v: one matrix, one stage, one barrier
        new("quantise-inputs", QuantiseInputs.Apply), // block formats multiply integers: quantise each input once
    ];

    /// <summary>
    /// Of training, from the graph as mapped to the graph as planned. The activations of the first <paramref name="recomputedLayers"/> layers are computed
    /// again for the backward pass rather than kept.
    /// </summary>
    public static IReadOnlyList<Pass> Training(TrainedParameters trained, int recomputedLayers = 0) =>
    [
        new("autodiff", (graph, _) => Autodiff.Apply(graph, trained)),
        new("recompute", (graph, _) => Recompute.Apply(graph, recomputedLayers)),
        new("recompute-activations", (graph, _) => RecomputeActivations.Apply(graph)),  // f(h) from h, which is kept
        new("fuse-embedding", (graph, _) => FuseEmbedding.Apply(graph)),
        new("fuse-loss", (graph, _) => FuseLoss.Apply(graph)),                          // logits for a block of rows at a time
        new("fuse-gate", (graph, _) => FuseGate.Apply(FuseGateGradient.Apply(graph))),  // gate and up share the walk over x; f(gate) is not kept
        new("fuse-epilogue", (graph, _) => FuseEpilogue.Apply(graph)),                  // residuals on the tile (activations where nothing is differentiated)
        new("fuse-sums", (graph, _) => FuseGradientSums.Apply(graph)),                  // what flows past a norm is added where its gradient is written
        new("fuse-projections", (graph, _) => FuseProjections.Apply(graph)),            // q, k, v: one matrix
        new("quantise-inputs", QuantiseInputs.Apply),                                   // of frozen matrices in block formats
        new("fuse-gradients", (graph, _) => FuseGradients.Apply(graph)),                // one product for dx and one for dW of each matrix
        new("fuse-gradient-epilogue", (graph, _) => FuseGradientEpilogue.Apply(graph)), // a gate's gradient on the tile of dx, while it is in L1
    ];

    /// <summary>Runs a list; <paramref name="afterEach"/> sees every graph on the way (verification, dumps).</summary>
    public static ModelGraph Run(IReadOnlyList<Pass> passes, ModelGraph graph, FormatChoice formats, Action<string, ModelGraph>? afterEach = null)
    {
        foreach (Pass pass in passes)
        {
            graph = pass.Apply(graph, formats);
            afterEach?.Invoke(pass.Name, graph);
        }

        return graph;
    }
}
