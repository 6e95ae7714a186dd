using System.Globalization;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>Turns each operation of a training graph into a stage. Gradients: TrainingStagePlanner.Gradients.cs.</summary>
internal sealed partial class TrainingStagePlanner(ModelGraph graph, ParameterMemory memory, TrainingArena arena)
{
    private readonly KernelNames names = new();
    private readonly List<Stage> stages = [];

    public EquatableArray<Stage> Run()
    {
        foreach (Operation operation in graph.Operations)
        {
            if (!PlanForward(operation) && !PlanGradient(operation))
            {
                throw new UnsupportedOperationException(operation);
            }
        }

        return stages.ToEquatable();
    }

    private bool PlanForward(Operation operation)
    {
        switch (operation)
        {
            case TokenEmbedding embedding: Plan(embedding); break;
            case Norm norm: Plan(norm); break;
            case Quantise quantise: Plan(quantise); break;
            case FusedLinear linear: Plan(linear); break;
            case GatedLinear gated: Plan(gated); break;
            case KeptGatedLinear gated: Plan(gated); break;
            case Rope rope: Plan(rope, rope, rope.Input, backward: false); break;
            case Attention attention: Plan(attention); break;
            case Add add: Elementwise(add, ElementwiseKind.Add, add.Left, add.Right, 0, null, $"{add.Left.Name} + {add.Right.Name}"); break;
            case Multiply product: Elementwise(product, ElementwiseKind.Multiply, product.Left, product.Right, 0, null, $"{product.Left.Name} · {product.Right.Name}"); break;
            case Scale scale: Elementwise(scale, ElementwiseKind.Scale, scale.Input, null, scale.Factor, null, $"{scale.Input.Name} · {Text(scale.Factor)}"); break;
            case SoftCap cap: Elementwise(cap, ElementwiseKind.SoftCap, cap.Input, null, cap.Cap, null, $"{Text(cap.Cap)} · tanh({cap.Input.Name} / {Text(cap.Cap)})"); break;
            case Activation activation: Elementwise(activation, ElementwiseKind.Activation, activation.Input, null, 0, activation.Kind, $"{activation.Kind}({activation.Input.Name})"); break;
            default: return false;
        }

        return true;
    }

    private void Plan(TokenEmbedding embedding)
    {
        Slot output = Slot(embedding.Output);
        PackedMatrix table = memory.Layout(embedding.Table).Table(embedding.Table);
        EmbedKernel kernel = names.Name(name => new EmbedKernel(
            name, table.Format, output.PaddedWidth, table.PaddedInputs, table.PaddedOutputs, output.Buffer.Stride, embedding.Positions is not null,
            embedding.PositionOffset, embedding.Factor), $"Embed{embedding.Output.Width}");
        string equation = embedding.Positions is null ? $"{output.Name}[t] = table[token[t]]" : $"{output.Name}[t] = table[token[t]] + positions[position[t]]";
        WeightArgument[] positions = embedding.Positions is { } rows ? [memory.Argument("positions", memory.Layout(rows).Positions(rows), rows)] : [];
        Add(kernel, embedding, equation, [output], [memory.Argument("table", table, embedding.Table), .. positions]);
    }

    private void Plan(Norm norm)
    {
        Slot input = Slot(norm.Input), output = Slot(norm.Output);
        (int groups, int width, int stride) = NormGroups(norm, input, output);
        RowNormKernel kernel = names.Name(name => new RowNormKernel(
            name, norm.Kind, groups, width, stride, input.Buffer.Stride, output.Buffer.Stride, norm.Epsilon, norm.Weight is not null, norm.Bias is not null),
            $"{norm.Kind}Norm" + (groups == 1 ? $"{width}" : $"{groups}x{width}"));
        List<WeightArgument> arguments = [];
        if (norm.Weight is { } gain)
        {
            arguments.Add(memory.Argument("gain", memory.Layout(gain).Row(gain, norm.WeightOffset), gain));
        }

        if (norm.Bias is { } bias)
        {
            arguments.Add(memory.Argument("bias", memory.Layout(bias).Row(bias, 0), bias));
        }

        string x = norm.Input.Name, y = norm.Output.Name, epsilon = Text(norm.Epsilon), each = groups == 1 ? "" : ", head by head";
        string equation = norm.Kind == NormKind.Rms
            ? $"{y} = {x} / sqrt(mean({x}²) + {epsilon}){(norm.Weight is null ? "" : " · gain")}{each}"
            : $"{y} = ({x} − mean({x})) / sqrt(var({x}) + {epsilon}){(norm.Weight is null ? "" : " · gain")}{(norm.Bias is null ? "" : " + bias")}{each}";
        Add(kernel, norm, equation, [input, output], [.. arguments]);
    }

    /// <summary>The parts of a row that a norm takes by themselves: the whole row, or the slot's own groups.</summary>
    private static (int Groups, int Width, int Stride) NormGroups(Norm norm, params Slot[] slots)
    {
        RequireAlike(norm, slots);
        Slot slot = slots[0];
        bool whole = norm.Groups == 1 && (slot.Groups == 1 || slot.GroupWidth == slot.GroupStride);
        if (!whole && slot.Groups != norm.Groups)
        {
            throw new UnsupportedOperationException(norm);
        }

        return whole ? (1, norm.Input.Width, ArenaPlanner.Pad(norm.Input.Width)) : (slot.Groups, slot.GroupWidth, slot.GroupStride);
    }

    private void Plan(Quantise quantise)
    {
        Slot input = Slot(quantise.Input), output = Slot(quantise.Output);
        QuantiseKernel kernel = names.Name(name => new QuantiseKernel(
            name, quantise.Format, input.PaddedWidth, input.Buffer.Stride, output.Buffer.Stride, false), $"Quantise{input.PaddedWidth}{quantise.Format.Name.ToUpperInvariant()}");
        Add(kernel, quantise, $"{output.Name} = round({input.Name} · 127 / max |{input.Name}|), group by group of {BlockFormat.GroupInputs}", [input, output], []);
    }

    private void Plan(FusedLinear linear)
    {
        Slot input = Slot(linear.Input);
        ProductPart[] parts = [.. linear.Parts.Select(part => new ProductPart(part.Weight, part.Bias, Groups.Of(Slot(part.Output))))];
        IReadOnlyList<ProductPlace> places = memory.Places(parts, Groups.Of(Source(linear.Input)));
        for (int i = 0; i < places.Count; i++)
        {
            Plan(linear, places.Count == 1 ? linear.Parts : new([linear.Parts[i]]), input, places[i]);
        }
    }

    private void Plan(FusedLinear linear, EquatableArray<LinearPart> parts, Slot input, ProductPlace place)
    {
        Slot output = Slot(parts[0].Output);
        Slot? residual = linear.Residual is null ? null : Slot(linear.Residual);
        RequireAlike(linear, output, residual ?? output);
        PackedMatrix matrix = place.Matrix;
        LinearKernel kernel = names.Name(name => new LinearKernel(
            name, matrix.Format, matrix.PaddedInputs, matrix.PaddedOutputs, InputBlocks.Of(matrix), input.Buffer.Stride, output.Buffer.Stride,
            residual?.Buffer.Stride ?? 0, place.Biases.Length > 0, residual is not null, linear.Activation, false, false, Parts: place.Parts, Part: place.Part),
            $"Linear{linear.Input.Width}x{parts.Sum(part => part.Output.Width)}" + linear.Activation + (residual is null ? "" : "Add"));
        string product = "W · " + linear.Input.Name + (place.Biases.Length == 0 ? "" : " + b");
        string result = Row(parts.Select(part => part.Output));
        string equation = linear.Activation is { } f ? $"{result} = {f}({product})" : residual is null ? $"{result} = {product}" : $"{result} = {linear.Residual!.Name} + {product}";
        Add(kernel, linear, equation, [input, output, .. residual is null ? [] : new[] { residual }], [memory.Argument("panels", matrix, parts[0].Weight), .. place.Biases]);
    }

    /// <summary>Of a layer that is computed again: gate and up are kept only then.</summary>
    private void Plan(GatedLinear gated)
    {
        Slot input = Slot(gated.Input), hidden = Slot(gated.Output);
        ProductPart[] parts = [.. new[] { gated.Gate, gated.Up }.Select(part => new ProductPart(part.Weight, part.Bias, Groups.Of(hidden)))];
        PackedMatrix matrix = memory.Layout(parts[0].Weight).Gated(parts[0], parts[1], Groups.Of(Source(gated.Input)));
        WeightArgument[] biases = memory.Biases(parts);
        LinearKernel kernel = names.Name(name => new LinearKernel(
            name, matrix.Format, matrix.PaddedInputs, matrix.PaddedOutputs, InputBlocks.Of(matrix), input.Buffer.Stride, hidden.Buffer.Stride, 0,
            biases.Length > 0, false, gated.Activation, true, false), $"Gated{gated.Input.Width}x{gated.Output.Width}{gated.Activation}");
        string bias = biases.Length == 0 ? "" : " + b", x = gated.Input.Name;
        Add(kernel, gated, $"{hidden.Name} = {gated.Activation}(Wgate · {x}{bias}) · (Wup · {x}{bias})", [input, hidden], [memory.Argument("panels", matrix, gated.Gate.Weight), .. biases]);
    }

    private void Plan(KeptGatedLinear gated)
    {
        Slot input = Slot(gated.Input), hidden = Slot(gated.Output), gate = Slot(gated.GateOutput), up = Slot(gated.UpOutput);
        ProductPart[] parts = [.. new[] { gated.Gate, gated.Up }.Select(part => new ProductPart(part.Weight, part.Bias, Groups.Of(hidden)))];
        PackedMatrix matrix = memory.Layout(parts[0].Weight).Gated(parts[0], parts[1], Groups.Of(Source(gated.Input)));
        WeightArgument[] biases = memory.Biases(parts);
        KeptGateKernel kernel = names.Name(name => new KeptGateKernel(
            name, matrix.Format, matrix.PaddedInputs, matrix.PaddedOutputs, InputBlocks.Of(matrix), input.Buffer.Stride, hidden.Buffer.Stride,
            gate.Buffer.Stride, up.Buffer.Stride, biases.Length > 0, gated.Activation), $"KeptGated{gated.Input.Width}x{gated.Output.Width}{gated.Activation}");
        string bias = biases.Length == 0 ? "" : " + b", x = gated.Input.Name;
        Add(kernel, gated,
            $"{gate.Name} = Wgate · {x}{bias}, {up.Name} = Wup · {x}{bias}, {hidden.Name} = {gated.Activation}({gate.Name}) · {up.Name}",
            [input, hidden, gate, up], [memory.Argument("panels", matrix, gated.Gate.Weight), .. biases]);
    }

    private void Plan(Operation operation, Rope rope, Value from, bool backward)
    {
        Slot input = Slot(from), output = Slot(operation.Output);
        RequireAlike(operation, input, output);
        if (input.Groups != rope.Heads)
        {
            throw new UnsupportedOperationException(operation);
        }

        RotateKernel kernel = names.Name(name => new RotateKernel(
            name, rope.Heads, rope.HeadDim, input.GroupStride, input.Buffer.Stride, output.Buffer.Stride, rope.Table,
            graph.RopeTables[rope.Table].InverseFrequencies.Count, backward), $"Rotate{(backward ? "Back" : "")}{rope.Heads}x{rope.HeadDim}");
        Add(kernel, operation, $"{output.Name} = {input.Name}, each head turned {(backward ? "back " : "")}by its position", [input, output], []);
    }

    private void Plan(Attention attention)
    {
        Slot q = Slot(attention.Query), k = Slot(attention.Key), v = Slot(attention.Values), output = Slot(attention.Output);
        TrainingAttentionKernel kernel = names.Name(name => new TrainingAttentionKernel(
            name, attention.Heads, attention.KvHeads, attention.HeadDim, q.GroupStride, q.Buffer.Stride, k.Buffer.Stride, v.Buffer.Stride, output.Buffer.Stride,
            attention.ScoreScale, attention.Window, attention.SoftCap), "Attention" + AttentionName(attention));
        Add(kernel, attention, $"{output.Name} = softmax({q.Name} · {k.Name}ᵀ · {Text(attention.ScoreScale)}) · {v.Name}", [q, k, v, output], []);
    }

    private static string AttentionName(Attention attention)
        => $"{attention.Heads}x{attention.HeadDim}" + (attention.KvHeads == attention.Heads ? "" : $"Kv{attention.KvHeads}") + (attention.Window is { } window ? $"Window{window}" : "");

    private void Elementwise(Operation operation, ElementwiseKind kind, Value left, Value? right, double constant, ActivationKind? activation, string equation)
    {
        Slot a = Slot(left), y = Slot(operation.Output);
        Slot? b = right is null ? null : Slot(right);
        RequireAlike(operation, a, b ?? a, y);
        ElementwiseKernel kernel = names.Name(name => new ElementwiseKernel(
            name, kind, a.PaddedWidth, a.Buffer.Stride, b?.Buffer.Stride ?? 0, y.Buffer.Stride, constant, activation), $"{kind}{left.Width}{activation}");
        Add(kernel, operation, $"{y.Name} = {equation}", b is null ? [a, y] : [a, b, y], []);
    }

    /// <summary>Kernels that go row by row need their operands laid out alike.</summary>
    private static void RequireAlike(Operation operation, params Slot[] slots)
    {
        if (!slots.All(slot => slot.IsLike(slots[0])))
        {
            throw new UnsupportedOperationException(operation);
        }
    }

    private static string Text(double number) => number.ToString("G9", CultureInfo.InvariantCulture);

    private static string Row(IEnumerable<Value> values)
    {
        string[] texts = [.. values.Select(value => value.Name)];
        return texts.Length == 1 ? texts[0] : $"[{string.Join(" ", texts)}]";
    }

    private Slot Slot(Value value) => arena.Slots[value.Id];

    /// <summary>Where the numbers lie that a product reads, before they were quantised: says which input of a matrix is which.</summary>
    private Slot Source(Value input) => Slot(graph.Operations.OfType<Quantise>().FirstOrDefault(quantise => quantise.Output.Id == input.Id)?.Input ?? input);

    /// <summary>The workers meet after each stage: the next one reads what others wrote, or writes over what they read; and claims begin anew.</summary>
    private void Add(KernelPlan kernel, Operation operation, string equation, Slot?[] operands, WeightArgument[] arguments)
        => stages.Add(new Stage(kernel, operation.Place, equation, new(operands), new(arguments), 0, EquatableArray<Slot>.Empty, kernel is not HeadLossKernel));
}
