using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>An operation with other values in the place of its own, read or written. For the operations of a graph before fusion.</summary>
internal static class ValueSubstitution
{
    public static Operation Apply(Operation operation, Func<Value, Value> map)
    {
        Value output = map(operation.Output);
        return operation switch
        {
            Embedding or PositionEmbedding => operation with { Output = output },
            Add add => add with { Output = output, Left = map(add.Left), Right = map(add.Right) },
            Multiply multiply => multiply with { Output = output, Left = map(multiply.Left), Right = map(multiply.Right) },
            Scale scale => scale with { Output = output, Input = map(scale.Input) },
            Norm norm => norm with { Output = output, Input = map(norm.Input) },
            Linear linear => linear with { Output = output, Input = map(linear.Input) },
            Rope rope => rope with { Output = output, Input = map(rope.Input) },
            Attention attention => attention with { Output = output, Query = map(attention.Query), Key = map(attention.Key), Values = map(attention.Values) },
            Activation activation => activation with { Output = output, Input = map(activation.Input) },
            SoftCap softCap => softCap with { Output = output, Input = map(softCap.Input) },
            LinearInputGradient linear => linear with { Output = output, OutputGradient = map(linear.OutputGradient) },
            NormGradient norm => norm with { Output = output, Forward = Forward(norm.Forward), OutputGradient = map(norm.OutputGradient) },
            RopeGradient rope => rope with { Output = output, OutputGradient = map(rope.OutputGradient) },
            AttentionGradient attention => attention with
            {
                Output = output,
                KeyGradient = map(attention.KeyGradient),
                ValuesGradient = map(attention.ValuesGradient),
                Forward = Forward(attention.Forward),
                OutputGradient = map(attention.OutputGradient),
            },
            ActivationGradient activation => activation with { Output = output, Input = map(activation.Input), OutputGradient = map(activation.OutputGradient) },
            SoftCapGradient softCap => softCap with { Output = output, Input = map(softCap.Input), OutputGradient = map(softCap.OutputGradient) },
            WeightGradient weight => weight with { Output = output, Input = map(weight.Input), OutputGradient = map(weight.OutputGradient) },
            NormParameterGradient norm => norm with { Output = output, Forward = Forward(norm.Forward), OutputGradient = map(norm.OutputGradient) },
            EmbeddingGradient embedding => embedding with { Output = output, OutputGradient = map(embedding.OutputGradient) },
            PositionEmbeddingGradient positions => positions with { Output = output, OutputGradient = map(positions.OutputGradient) },
            _ => throw new NotSupportedException($"'{operation.GetType().Name}' has no substitution; values are substituted before fusion."),
        };

        T Forward<T>(T forward)
            where T : Operation
            => (T)Apply(forward, map);
    }
}
