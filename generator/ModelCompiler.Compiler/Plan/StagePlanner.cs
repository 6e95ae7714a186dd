using System.Globalization;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>Turns each operation of the fused graph into a stage: its kernel's constants, its operands and its weights.</summary>
internal sealed partial class StagePlanner(
    ModelGraph graph, FormatChoice formats, ArenaPlanner arena, ParameterMemory memory, CacheFormat cache, ModelFeatures features)
{
    private readonly KernelNames names = new();
    private readonly List<Stage> stages = [];
    private readonly RowSelection? selection = RowSelection.Find(graph, arena);
    private AttentionKernel? attentionAnywhere;
    private int cacheBlocks;

    /// <summary>The cache of all layers.</summary>
    public CachePlan CachePlan
        => attentionAnywhere is { } any ? new(any.Block, cacheBlocks, any.Scratch.Positions) : new(new CacheBlock(cache, ArenaPlanner.Pad(1)), 0, 1);

    /// <summary>Matrices that one decoded token reads whole.</summary>
    public HashSet<PackedMatrix> ReadPerToken { get; } = [];

    public EquatableArray<Stage> Run()
    {
        foreach (Operation operation in graph.Operations)
        {
            CheckHead(operation);
            switch (operation)
            {
                case TokenEmbedding embedding: Plan(embedding); break;
                case Norm norm: Plan(norm); break;
                case Quantise quantise: Plan(quantise); break;
                case FusedLinear linear: Plan(linear); break;
                case GatedLinear gated: Plan(gated); break;
                case FusedAttention attention: Plan(attention); break;
                case Add add: Elementwise(add, ElementwiseKind.Add, add.Left, add.Right, 0, null, $"{ShortName(add.Left)} + {ShortName(add.Right)}"); break;
                case Multiply product: Elementwise(product, ElementwiseKind.Multiply, product.Left, product.Right, 0, null, $"{ShortName(product.Left)} · {ShortName(product.Right)}"); break;
                case Scale scale: Elementwise(scale, ElementwiseKind.Scale, scale.Input, null, scale.Factor, null, $"{ShortName(scale.Input)} · {Text(scale.Factor)}"); break;
                case SoftCap cap: Elementwise(cap, ElementwiseKind.SoftCap, cap.Input, null, cap.Cap, null, $"{Text(cap.Cap)} · tanh({ShortName(cap.Input)} / {Text(cap.Cap)})"); break;
                case Activation activation: Elementwise(activation, ElementwiseKind.Activation, activation.Input, null, 0, activation.Kind, $"{activation.Kind}({ShortName(activation.Input)})"); break;
                default: throw new UnsupportedOperationException(operation);
            }

            if (features.HasFlag(ModelFeatures.Trace))
            {
                Tap(operation);
            }
        }

        return stages.ToEquatable();
    }

    /// <summary>
    /// The head runs for the rows whose logits are asked for: unless they were selected before, its norm gathers them and its product reads
    /// what the norm wrote. Any other head would need a gathering step of its own.
    /// </summary>
    private void CheckHead(Operation operation)
    {
        bool expected = operation switch
        {
            { Place.Section: not Section.Head } => operation.Output.Id != graph.Logits.Id,
            Norm norm => graph.Operations.Count(other => other.Place.Section == Section.Head && other is Norm) == 1 && norm.Input.Id != graph.Logits.Id,
            Quantise quantise => graph.Operations.Any(other => other is Norm { Place.Section: Section.Head } && other.Output.Id == quantise.Input.Id),
            FusedLinear linear => linear.Output.Id == graph.Logits.Id && graph.Operations.Any(other => other is Norm or Quantise && other.Place.Section == Section.Head && other.Output.Id == linear.Input.Id),
            _ => false,
        };
        if (!expected)
        {
            throw new UnsupportedOperationException(operation);
        }
    }

    /// <summary>Kernels that go element by element need their operands laid out alike: heads padded by the same amounts, or not at all.</summary>
    private static void CheckAlike(Operation operation, params Slot?[] slots)
    {
        foreach (Slot? slot in slots)
        {
            if (slot is not null && !slot.IsLike(slots[0]!))
            {
                throw new UnsupportedOperationException(operation);
            }
        }
    }

    private static string Text(double number) => number.ToString("G9", CultureInfo.InvariantCulture);

    private Slot Slot(Value value) => arena.Slots[value.Id];

    private void Add(KernelPlan kernel, Operation operation, string equation, Slot?[] operands, WeightArgument[] arguments, long pageOffset = 0)
    {
        EquatableArray<Slot> kept = ReferenceEquals(operation, selection?.Before) ? selection.Kept : EquatableArray<Slot>.Empty;
        stages.Add(new Stage(kernel, operation.Place, equation, new(operands), new(arguments), pageOffset, kept, kernel is not (NormKernel or QuantiseKernel)));
    }

    private void Plan(TokenEmbedding embedding)
    {
        Slot output = Slot(embedding.Output);
        PackedMatrix table = memory.Layout(embedding.Table).Table(embedding.Table);
        List<WeightArgument> arguments = [memory.Argument("table", table, embedding.Table)];
        if (embedding.Positions is { } positions)
        {
            arguments.Add(memory.Argument("positions", memory.Layout(positions).Positions(positions), positions));
        }

        EmbedKernel kernel = Lookup(embedding, table, embedding.Positions is not null);
        string equation = embedding.Positions is null ? "x[t] = table[token[t]]" : "x[t] = table[token[t]] + positions[position[t]]";
        Add(kernel, embedding, equation, [output], [.. arguments]);
    }

    private EmbedKernel Lookup(TokenEmbedding embedding, PackedMatrix table, bool hasPositions)
    {
        Slot output = Slot(embedding.Output);
        return names.Name(name => new EmbedKernel(
            name, table.Format, output.PaddedWidth, table.PaddedInputs, table.PaddedOutputs, output.Buffer.Stride, hasPositions,
            hasPositions ? embedding.PositionOffset : 0, embedding.Factor), $"Embed{embedding.Output.Width}");
    }

    private void Plan(Norm norm)
    {
        Slot input = Slot(norm.Input), output = Slot(norm.Output);
        CheckAlike(norm, input, output);
        if (norm.Groups != 1 || (input.Groups != 1 && input.GroupWidth != input.GroupStride) || (norm.Kind == NormKind.Layer && norm.Weight is null))
        {
            throw new UnsupportedOperationException(norm);
        }

        List<WeightArgument> arguments = [];
        if (norm.Weight is { } gain)
        {
            arguments.Add(memory.Argument("gain", memory.Layout(gain).Row(gain, norm.WeightOffset), gain));
        }

        if (norm.Bias is { } bias)
        {
            arguments.Add(memory.Argument("bias", memory.Layout(bias).Row(bias, 0), bias));
        }

        bool gathers = norm.Place.Section == Section.Head && selection is null;
        NormKernel kernel = names.Name(name => new NormKernel(
            name, norm.Kind, norm.Input.Width, input.PaddedWidth, input.Buffer.Stride, output.Buffer.Stride, norm.Epsilon, norm.Weight is not null,
            norm.Bias is not null, gathers),
            $"{norm.Kind}Norm{norm.Input.Width}" + (gathers ? "Selected" : ""));
        string epsilon = Text(norm.Epsilon), x = ShortName(norm.Input), y = ShortName(norm.Output);
        string equation = norm.Kind == NormKind.Rms
            ? $"{y} = {x} / sqrt(mean({x}²) + {epsilon}) · gain"
            : $"{y} = ({x} − mean({x})) / sqrt(var({x}) + {epsilon}) · gain" + (norm.Bias is null ? "" : " + bias");
        Add(kernel, norm, equation, [input, output], [.. arguments]);
    }

    private void Plan(Quantise quantise)
    {
        Slot input = Slot(quantise.Input), output = Slot(quantise.Output);
        bool selected = quantise.Place.Section == Section.Head && selection is null;
        QuantiseKernel kernel = names.Name(name => new QuantiseKernel(
            name, quantise.Format, input.PaddedWidth, input.Buffer.Stride, output.Buffer.Stride, selected),
            $"Quantise{input.PaddedWidth}{quantise.Format.Name.ToUpperInvariant()}" + (selected ? "Selected" : ""));
        string x = ShortName(quantise.Input);
        Add(kernel, quantise, $"{ShortName(quantise.Output)} = round({x} · 127 / max |{x}|), group by group of {BlockFormat.GroupInputs}", [input, output], []);
    }

    /// <summary>Where the numbers lie that a product reads, before they were quantised: says which input of a matrix is which.</summary>
    private Slot Source(Value input)
        => graph.Operations.OfType<Quantise>().FirstOrDefault(quantise => quantise.Output.Id == input.Id) is { } quantise ? Slot(quantise.Input) : Slot(input);

    private void Plan(FusedLinear linear)
    {
        bool toLogits = linear.Output.Id == graph.Logits.Id;
        ProductPart[] parts = [.. linear.Parts.Select(part => new ProductPart(
            part.Weight, part.Bias, toLogits ? Groups.Whole(part.Output.Width) : Groups.Of(Slot(part.Output))))];
        IReadOnlyList<ProductPlace> places = memory.Places(parts, Groups.Of(Source(linear.Input)));
        for (int i = 0; i < places.Count; i++)
        {
            Plan(linear, places.Count == 1 ? linear.Parts : new([linear.Parts[i]]), places[i], toLogits);
        }
    }

    private void Plan(FusedLinear linear, EquatableArray<LinearPart> parts, ProductPlace place, bool toLogits)
    {
        PackedMatrix matrix = place.Matrix;
        int width = matrix.PaddedOutputs;
        Slot input = Slot(linear.Input);
        Slot? output = toLogits ? null : Slot(parts[0].Output);
        Slot? residual = linear.Residual is null ? null : Slot(linear.Residual);
        CheckAlike(linear, output ?? residual ?? input, residual);
        LinearKernel kernel = names.Name(name => new LinearKernel(
            name, matrix.Format, matrix.PaddedInputs, width, InputBlocks.Of(matrix), input.Buffer.Stride, output?.Buffer.Stride ?? width,
            residual?.Buffer.Stride ?? 0, place.Biases.Length > 0, residual is not null, linear.Activation, false, toLogits, UnpackOffset(matrix), place.Parts, place.Part),
            $"Linear{linear.Input.Width}x{parts.Sum(part => part.Output.Width)}" + linear.Activation + (residual is null ? "" : "Add"));
        string product = "W · " + ShortName(linear.Input) + (place.Biases.Length > 0 ? " + b" : "");
        string result = parts.Count > 1 ? "[" + string.Join(" ", parts.Select(part => ShortName(part.Output))) + "]" : toLogits ? "logits" : ShortName(parts[0].Output);
        string equation = linear.Activation is { } f ? $"{result} = {f}({product})" : residual is not null ? $"{result} = {ShortName(linear.Residual!)} + {product}" : $"{result} = {product}";
        Add(kernel, linear, equation, [input, output, .. residual is null ? [] : new[] { residual }], [Panels(matrix, parts[0].Weight), .. place.Biases]);
    }

    private void Plan(GatedLinear gated)
    {
        if (formats.Of(gated.Gate.Weight) != formats.Of(gated.Up.Weight))
        {
            throw new MixedGateException(gated, formats);
        }

        Slot input = Slot(gated.Input), output = Slot(gated.Output);
        ProductPart[] parts = [.. new[] { gated.Gate, gated.Up }.Select(part => new ProductPart(part.Weight, part.Bias, Groups.Of(output)))];
        PackedMatrix matrix = memory.Layout(gated.Gate.Weight).Gated(parts[0], parts[1], Groups.Of(Source(gated.Input)));
        WeightArgument[] biases = memory.Biases(parts);

        LinearKernel kernel = names.Name(name => new LinearKernel(
            name, matrix.Format, matrix.PaddedInputs, output.PaddedWidth, InputBlocks.Of(matrix), input.Buffer.Stride, output.Buffer.Stride, 0,
            biases.Length > 0, false, gated.Activation, true, false, UnpackOffset(matrix)),
            $"Gated{gated.Input.Width}x{gated.Output.Width}{gated.Activation}");
        string bias = biases.Length > 0 ? " + b" : "";
        string x = ShortName(gated.Input);
        Add(kernel, gated, $"{ShortName(gated.Output)} = {gated.Activation}(Wgate · {x}{bias}) · (Wup · {x}{bias})", [input, output], [Panels(matrix, gated.Gate.Weight), .. biases]);
    }

    private void Plan(FusedAttention attention)
    {
        Slot q = Slot(attention.Query), k = Slot(attention.Key), v = Slot(attention.Values), output = Slot(attention.Output);
        Attention shape = attention.Definition;
        List<WeightArgument> arguments = [];
        foreach ((string name, HeadNorm? norm) in new[] { ("queryGain", attention.QueryNorm), ("keyGain", attention.KeyNorm) })
        {
            if (norm?.Weight is { } gain)
            {
                arguments.Add(memory.Argument(name, memory.Layout(gain).Row(gain, norm.WeightOffset), gain));
            }
        }

        int pairs = attention.RopeTable is { } table ? graph.RopeTables[table].InverseFrequencies.Count : 0;
        AttentionKernel kernel = names.Name(name => new AttentionKernel(
            name, shape.Heads, shape.KvHeads, shape.HeadDim, new CacheBlock(cache, q.GroupStride), q.Buffer.Stride, k.Buffer.Stride, v.Buffer.Stride, output.Buffer.Stride,
            shape.ScoreScale, shape.Window, shape.SoftCap, NormPlan(attention.QueryNorm), NormPlan(attention.KeyNorm), attention.RopeTable, pairs),
            $"Attention{shape.Heads}x{shape.HeadDim}" + (shape.KvHeads == shape.Heads ? "" : $"Kv{shape.KvHeads}") + (shape.Window is { } window ? $"Window{window}" : ""));
        Add(kernel, attention, $"{output.Name} = softmax(" + (pairs > 0 ? $"rope({q.Name}) · rope({k.Name})ᵀ" : $"{q.Name} · {k.Name}ᵀ") + $" · {Text(shape.ScoreScale)}) · {v.Name}", [q, k, v, output], [.. arguments], cacheBlocks * (long)kernel.Block.LengthBytes);
        cacheBlocks = checked(cacheBlocks + shape.KvHeads);
        attentionAnywhere ??= kernel;
        if (attentionAnywhere.Block != kernel.Block || attentionAnywhere.Group != kernel.Group)
        {
            throw new UnsupportedOperationException(attention); // the runtime finds a position in a page by one shape of head
        }
    }

    private static HeadNormPlan? NormPlan(HeadNorm? norm) => norm is null ? null : new HeadNormPlan(norm.Epsilon, norm.Weight is not null);

    private void Elementwise(Operation operation, ElementwiseKind kind, Value left, Value? right, double constant, ActivationKind? activation, string equation)
    {
        if (operation.Output.Id == graph.Logits.Id)
        {
            throw new UnsupportedOperationException(operation);
        }

        Slot a = Slot(left), y = Slot(operation.Output);
        Slot? b = right is null ? null : Slot(right);
        CheckAlike(operation, a, b, y);
        ElementwiseKernel kernel = names.Name(name => new ElementwiseKernel(
            name, kind, a.PaddedWidth, a.Buffer.Stride, b?.Buffer.Stride ?? 0, y.Buffer.Stride, constant, activation), $"{kind}{left.Width}{activation}");
        Add(kernel, operation, $"y = {equation}", b is null ? [a, y] : [a, b, y], []);
    }

    private WeightArgument Panels(PackedMatrix matrix, Parameter weight)
    {
        ReadPerToken.Add(matrix);
        return memory.Argument("panels", matrix, weight);
    }

    /// <summary>Behind all else in a worker's local scratch.</summary>
    private int? UnpackOffset(PackedMatrix matrix) => matrix.Format.Unpacks ? arena.LocalFloats : null;

    private string ShortName(Value value) => arena.Slots.TryGetValue(value.Id, out Slot? slot) ? slot.Name : value.Name;
}

/// <summary>An operation, or a use of one, that no kernel is planned for.</summary>
internal sealed class UnsupportedOperationException(string operation) : Exception(operation)
{
    public UnsupportedOperationException(Operation operation)
        : this($"{operation.GetType().Name} '{operation.Output.Name}'")
    {
    }
}

/// <summary>Gate and up share panels, but are to have different formats.</summary>
internal sealed class MixedGateException(GatedLinear gated, FormatChoice formats)
    : Exception($"Found {gated.Gate.Weight.Name} in {formats.Of(gated.Gate.Weight).Name} and {gated.Up.Weight.Name} in {formats.Of(gated.Up.Weight).Name}, expected one format for both. Give both the same.");

/// <summary>Names for kernels: the same constants get the same name; other constants under a name that is taken get a number.</summary>
internal sealed class KernelNames
{
    private readonly Dictionary<string, KernelPlan> byName = [];

    public T Name<T>(Func<string, T> make, string wanted)
        where T : KernelPlan
    {
        for (int number = 1; ; number++)
        {
            string name = number == 1 ? wanted : $"{wanted}_{number}";
            T kernel = make(name);
            if (!byName.TryGetValue(name, out KernelPlan? known))
            {
                byName.Add(name, kernel);
                return kernel;
            }

            if (known.Equals(kernel))
            {
                return (T)known;
            }
        }
    }
}
