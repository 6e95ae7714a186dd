using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <content>Where a traced step is looked into: behind each section of each layer, behind each attention, before the head's product, and where inputs of products are rounded.</content>
internal sealed partial class StagePlanner
{
    private readonly List<Value> inputs = [];

    /// <summary>What runs besides whole steps; null without tracing.</summary>
    public TracePlan? TracePlan => features.HasFlag(ModelFeatures.Trace) ? new(Vectors().ToEquatable(), Given(), inputs.ToEquatable()) : null;

    /// <summary>Adds what is to be kept of an operation whose stage was just added.</summary>
    private void Tap(Operation operation)
    {
        int layers = graph.Dimensions.Layers;
        if (operation is FusedAttention)
        {
            Stage attention = stages[stages.Count - 1];
            AttentionTapKernel kernel = new(attention.Kernel.Name + "Tap", (AttentionKernel)attention.Kernel);
            stages.Add(Tap(kernel, operation.Place, $"Traced: the weights of layer {operation.Place.Layer}", attention.Operands[0], operation.Place.Layer) with { PageOffset = attention.PageOffset });
        }
        else if (operation is Quantise { Input: var input })
        {
            Slot x = Slot(input);
            InputTapKernel kernel = names.Name(name => new InputTapKernel(name, x.PaddedWidth, x.Buffer.Stride), $"TapInput{x.PaddedWidth}");
            stages.Add(Tap(kernel, operation.Place, $"Traced: {x.Name} as it was before it was rounded", x, inputs.Count));
            inputs.Add(input);
        }
        else if (operation.Place.Section == Section.Head ? operation is Norm : ReferenceEquals(operation, graph.Operations.Last(other => other.Place == operation.Place)))
        {
            stages.Add(StateTap(operation, TracedStates.Behind(operation.Place, layers)));
        }
    }

    /// <summary>The states of a trace are as wide as the model: what a section ends with is the residual stream.</summary>
    private Stage StateTap(Operation operation, int state)
    {
        Slot x = Slot(operation.Output);
        if (operation.Output.Width != graph.Dimensions.Dim || x.Groups != 1)
        {
            throw new UnsupportedOperationException(operation);
        }

        StateTapKernel kernel = names.Name(name => new StateTapKernel(name, x.GroupWidth, x.Buffer.Stride), $"Tap{x.GroupWidth}");
        return Tap(kernel, operation.Place, $"Traced: state {state}", x, state);
    }

    private Stage[] Vectors()
    {
        TokenEmbedding embedding = graph.Operations.OfType<TokenEmbedding>().Single();
        PackedMatrix table = memory.Layout(embedding.Table).Table(embedding.Table);
        Stage stage = new(
            Lookup(embedding, table, hasPositions: false), embedding.Place, "x[t] = table[token[t]]", new([Slot(embedding.Output)]),
            new([memory.Argument("table", table, embedding.Table)]), 0, EquatableArray<Slot>.Empty, true);
        return [stage, StateTap(embedding, TracedStates.Embedded)];
    }

    private Stage Given()
    {
        Operation head = graph.Operations.First(operation => operation.Place.Section == Section.Head);
        Slot x = Slot(head.Inputs.First());
        GivenStatesKernel kernel = names.Name(name => new GivenStatesKernel(name, x.GroupWidth, x.PaddedWidth, x.Buffer.Stride), $"Given{x.GroupWidth}");
        return Tap(kernel, head.Place, $"{x.Name} = the given states", x, -1);
    }

    private static Stage Tap(KernelPlan kernel, Place place, string equation, Slot? operand, int traced)
        => new(kernel, place, equation, new([operand]), EquatableArray<WeightArgument>.Empty, 0, EquatableArray<Slot>.Empty, true, traced);
}
