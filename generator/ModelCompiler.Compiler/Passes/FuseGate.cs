using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes;

/// <summary>
/// Multiply(Activation(Linear x), Linear x) → GatedLinear, whichever side the gate stands on; → KeptGatedLinear where the backward pass reads the products.
/// </summary>
internal static class FuseGate
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        HashSet<Parameter> trained = [.. graph.TrainedParameters];
        foreach (Multiply multiply in rewriter.Operations.OfType<Multiply>())
        {
            if ((Fuse(rewriter, multiply, multiply.Left, multiply.Right) ?? Fuse(rewriter, multiply, multiply.Right, multiply.Left)) is { } fusion
                && (fusion.IsWhole || graph.Losses is not null)
                && trained.Contains(fusion.Gate.Weight) == trained.Contains(fusion.Up.Weight))
            {
                rewriter.Replace(multiply, fusion.Result, fusion.Activation, fusion.Gate, fusion.Up);
            }
        }

        return rewriter.Finish();
    }

    private static Fusion? Fuse(GraphRewriter rewriter, Multiply multiply, Value gated, Value other)
        => rewriter.OnlyUse<Activation>(gated) is { } activation
            && rewriter.Producer<Linear>(activation.Input) is { } gate
            && rewriter.Producer<Linear>(other) is { } up
            && gate.Input == up.Input
            ? new Fusion(multiply, activation, gate, up, rewriter.ReadOnce(gate.Output) && rewriter.ReadOnce(up.Output))
            : null;

    /// <summary>What belongs together; <paramref name="IsWhole"/>: nothing else reads gate and up.</summary>
    private sealed record Fusion(Multiply Multiply, Activation Activation, Linear Gate, Linear Up, bool IsWhole)
    {
        public Operation Result => IsWhole
            ? new GatedLinear(Multiply.Output, Multiply.Place, Gate.Input, Part(Gate), Part(Up), Activation.Kind)
            : new KeptGatedLinear(Multiply.Output, Gate.Output, Up.Output, Multiply.Place, Gate.Input, Part(Gate), Part(Up), Activation.Kind);

        private static LinearPart Part(Linear linear) => new(linear.Output, linear.Weight, linear.Bias);
    }
}
