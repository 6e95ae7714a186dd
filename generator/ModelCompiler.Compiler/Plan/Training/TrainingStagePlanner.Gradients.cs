using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Plan.Training;

// The loss and the gradients.
internal sealed partial class TrainingStagePlanner
{
    private bool PlanGradient(Operation operation)
    {
        switch (operation)
        {
            case HeadLoss loss: Plan(loss); break;
            case NormGradient gradient: Plan(gradient); break;
            case NormParameterGradient gradient: Plan(gradient); break;
            case RopeGradient gradient: Plan(gradient, gradient.Forward, gradient.OutputGradient, backward: true); break;
            case AttentionGradient gradient: Plan(gradient); break;
            case ActivationGradient gradient: Activation(gradient, gradient.Input, gradient.OutputGradient, gradient.Kind, 0); break;
            case SoftCapGradient gradient: Activation(gradient, gradient.Input, gradient.OutputGradient, null, gradient.Cap); break;
            case FusedInputGradient gradient: InputGradient(gradient, gradient.Parts, gradient.Residual, gradient.Gate); break;
            case FusedWeightGradient gradient: WeightGradient(gradient, gradient.Input, gradient.Parts); break;
            case LinearInputGradient gradient: InputGradient(gradient, [new GradientPart(gradient.OutputGradient, gradient.Weight, null)], null, null); break;
            case WeightGradient gradient: WeightGradient(gradient, gradient.Input, [new GradientPart(gradient.OutputGradient, gradient.Weight, gradient.Bias)]); break;
            case EmbeddingGradient gradient: Plan(gradient); break;
            case PositionEmbeddingGradient gradient: Plan(gradient); break;
            default: return false;
        }

        return true;
    }

    private void Plan(HeadLoss loss)
    {
        Slot input = Slot(loss.Input);
        Slot? output = loss.Output.Width == 0 ? null : Slot(loss.Output);
        Slot source = Source(loss.Input);
        PackedMatrix matrix = memory.Layout(loss.Weight).Products([new ProductPart(loss.Weight, null, Groups.Whole(loss.Weight.Rows))], Groups.Of(source));
        HeadLossKernel kernel = names.Name(name => new HeadLossKernel(
            name, matrix.Format, source.PaddedWidth, loss.Weight.Rows, matrix.PaddedOutputs, TrainingBlocks.LossRows(matrix.PaddedOutputs), InputBlocks.Of(matrix),
            TrainingBlocks.Outputs(matrix), input.Buffer.Stride, output?.Buffer.Stride ?? 0, output is not null, loss.Trained), $"HeadLoss{source.GroupWidth}x{loss.Weight.Rows}");
        string gradients = (output is null ? "" : $", {output.Name} = dlogits · W") + (loss.Trained ? $", dW += dlogitsᵀ · {input.Name}" : "");
        WeightArgument[] trained = loss.Trained ? [Gradient("dpanels", matrix)] : [];
        Add(kernel, loss, $"logits = W · {input.Name}, losses = −log softmax(logits)[target]; dlogits = (softmax(logits) − onehot(target)) · lossScale{gradients}",
            output is null ? [input] : [input, output], [memory.Argument("panels", matrix, loss.Weight), .. trained]);
    }

    private void Plan(NormGradient gradient)
    {
        Norm norm = gradient.Forward;
        Slot input = Slot(norm.Input), dy = Slot(gradient.OutputGradient), output = Slot(gradient.Output), statistics = arena.Statistics[norm.Output.Id];
        Slot? residual = gradient.Residual is null ? null : Slot(gradient.Residual);
        (int groups, int width, int stride) = NormGroups(norm, input, dy, output, residual ?? output);
        NormGradientKernel kernel = names.Name(name => new NormGradientKernel(
            name, norm.Kind, groups, width, stride, input.Buffer.Stride, dy.Buffer.Stride, residual?.Buffer.Stride ?? 0, output.Buffer.Stride,
            statistics.Buffer.Stride, norm.Epsilon, norm.Weight is not null, residual is not null),
            $"{norm.Kind}NormGradient" + (groups == 1 ? $"{width}" : $"{groups}x{width}") + (residual is null ? "" : "Add"));
        string g = norm.Weight is null ? dy.Name : $"{dy.Name} · gain";
        string equation = norm.Kind == NormKind.Rms
            ? $"{output.Name} = {(residual is null ? "" : residual.Name + " + ")}r · (g − n · mean(g · n)), g = {g}, r = 1 / sqrt(mean({input.Name}²) + {Text(norm.Epsilon)}), n = {input.Name} · r"
            : $"{output.Name} = {(residual is null ? "" : residual.Name + " + ")}r · (g − mean(g) − n · mean(g · n)), g = {g}, r = 1 / sqrt(var({input.Name}) + {Text(norm.Epsilon)}), n = ({input.Name} − mean({input.Name})) · r";
        WeightArgument[] gain = norm.Weight is { } weight ? [memory.Argument("gain", memory.Layout(weight).Row(weight, norm.WeightOffset), weight)] : [];
        Add(kernel, gradient, equation, [input, dy, .. residual is null ? [] : new[] { residual }, output, statistics], gain);
    }

    private void Plan(NormParameterGradient gradient)
    {
        Norm norm = gradient.Forward;
        Slot input = Slot(norm.Input), dy = Slot(gradient.OutputGradient);
        Slot statistics = arena.Statistics[norm.Output.Id];
        if (norm.Parameters.Except(gradient.Targets).Any())
        {
            throw new UnsupportedOperationException(gradient); // one of its parameters alone
        }

        if (!graph.Operations.Any(other => other is NormGradient { Forward.Output: { } normed } && normed.Id == norm.Output.Id))
        {
            PlanStatistics(gradient, norm, input, statistics);
        }

        (int groups, int width, int stride) = NormGroups(norm, input, dy);
        NormParameterGradientKernel kernel = names.Name(name => new NormParameterGradientKernel(
            name, norm.Kind, groups, width, stride, input.Buffer.Stride, dy.Buffer.Stride, statistics.Buffer.Stride, norm.Weight is not null, norm.Bias is not null),
            $"{norm.Kind}NormParameterGradient" + (groups == 1 ? $"{width}" : $"{groups}x{width}"));
        List<WeightArgument> arguments = [];
        List<string> sums = [];
        if (norm.Weight is { } gain)
        {
            arguments.Add(Gradient("dgain", memory.Layout(gain).Row(gain, norm.WeightOffset)));
            sums.Add($"dgain += Σ {dy.Name} · n");
        }

        if (norm.Bias is { } bias)
        {
            arguments.Add(Gradient("dbias", memory.Layout(bias).Row(bias, 0)));
            sums.Add($"dbias += Σ {dy.Name}");
        }

        Add(kernel, gradient, string.Join(", ", sums) + $", n: {input.Name} normalised", [input, dy, statistics], [.. arguments]);
    }

    /// <summary>Where nothing below a norm is trained, nobody else computes them.</summary>
    private void PlanStatistics(NormParameterGradient gradient, Norm norm, Slot input, Slot statistics)
    {
        (int groups, int width, int stride) = NormGroups(norm, input);
        NormGradientKernel kernel = names.Name(name => new NormGradientKernel(
            name, norm.Kind, groups, width, stride, input.Buffer.Stride, 0, 0, 0, statistics.Buffer.Stride, norm.Epsilon, norm.Weight is not null, false, HasOutput: false),
            $"{norm.Kind}NormStatistics" + (groups == 1 ? $"{width}" : $"{groups}x{width}"));
        Add(kernel, gradient, $"{statistics.Name} = mean and 1/σ of {input.Name}", [input, statistics], []);
    }

    private void Plan(AttentionGradient gradient)
    {
        Attention attention = gradient.Forward;
        Slot q = Slot(attention.Query), k = Slot(attention.Key), v = Slot(attention.Values), dy = Slot(gradient.OutputGradient);
        Slot dq = Slot(gradient.Output), dk = Slot(gradient.KeyGradient), dv = Slot(gradient.ValuesGradient);
        AttentionGradientKernel kernel = names.Name(name => new AttentionGradientKernel(
            name, attention.Heads, attention.KvHeads, attention.HeadDim, q.GroupStride, q.Buffer.Stride, k.Buffer.Stride, v.Buffer.Stride, dy.Buffer.Stride,
            dq.Buffer.Stride, dk.Buffer.Stride, dv.Buffer.Stride, attention.ScoreScale, attention.Window, attention.SoftCap),
            "AttentionGradient" + AttentionName(attention));
        string scale = Text(attention.ScoreScale), cap = attention.SoftCap is null ? "" : ", through the cap";
        Add(kernel, gradient,
            $"p = softmax({q.Name} · {k.Name}ᵀ · {scale}); {dv.Name} = pᵀ · {dy.Name}, dp = {dy.Name} · {v.Name}ᵀ, ds = p · (dp − Σ p · dp){cap}, {dq.Name} = ds · {k.Name} · {scale}, {dk.Name} = dsᵀ · {q.Name} · {scale}",
            [q, k, v, dy, dq, dk, dv], []);
    }

    private void Activation(Operation gradient, Value input, Value outputGradient, ActivationKind? activation, double cap)
    {
        Slot x = Slot(input), dy = Slot(outputGradient), dx = Slot(gradient.Output);
        RequireAlike(gradient, x, dy, dx);
        ActivationGradientKernel kernel = names.Name(name => new ActivationGradientKernel(
            name, activation, cap, x.PaddedWidth, x.Buffer.Stride, dy.Buffer.Stride, dx.Buffer.Stride), $"{activation?.ToString() ?? "SoftCap"}Gradient{input.Width}");
        string slope = activation is { } f ? $"{f}'({x.Name})" : $"(1 − tanh²({x.Name} / {Text(cap)}))";
        Add(kernel, gradient, $"{dx.Name} = {dy.Name} · {slope}", [x, dy, dx], []);
    }

    private void InputGradient(Operation gradient, IReadOnlyList<GradientPart> parts, Value? residualValue, GateGradient? gate)
    {
        Slot dy = Slot(parts[0].OutputGradient), dx = Slot(gradient.Output);
        Slot? residual = residualValue is null ? null : Slot(residualValue);
        Slot[] read = gate is null ? [] : [Slot(gate.Gate), Slot(gate.Up)], dup = gate is null ? [] : [Slot(gate.UpGradient)];
        RequireAlike(gradient, [dx, residual ?? dx, .. read, .. dup]);
        PackedMatrix matrix = Matrix(gradient, parts, dx);
        GateGradientPlan? plan = gate is null ? null : new(gate.Activation, read[0].Buffer.Stride, read[1].Buffer.Stride, dup[0].Buffer.Stride);
        InputGradientKernel kernel = names.Name(name => new InputGradientKernel(
            name, matrix.Format, matrix.Parts.Count, dx.PaddedWidth, matrix.PaddedOutputs, TrainingBlocks.Outputs(matrix), dy.Buffer.Stride,
            residual?.Buffer.Stride ?? 0, dx.Buffer.Stride, residual is not null, plan),
            $"InputGradient{parts.Sum(part => part.OutputGradient.Width)}x{gradient.Output.Width}" + (residual is null ? "" : "Add") + (gate is null ? "" : $"Gated{gate.Activation}"));
        string sum = (residual is null ? "" : $"{residual.Name} + ") + $"{Row(parts.Select(part => part.OutputGradient))} · W";
        string equation = gate is null ? $"{dx.Name} = {sum}" : $"dh = {sum}; {Equation(gate)}";
        Add(kernel, gradient, equation, [dy, .. residual is null ? [] : new[] { residual }, .. read, dx, .. dup], [memory.Argument("panels", matrix, parts[0].Weight!)]);
    }

    private static string Equation(GateGradient gate)
        => $"{gate.Output.Name} = dh · {gate.Up.Name} · {gate.Activation}'({gate.Gate.Name}), {gate.UpGradient.Name} = dh · {gate.Activation}({gate.Gate.Name})";

    private void WeightGradient(Operation gradient, Value input, IReadOnlyList<GradientPart> parts)
    {
        Slot x = Slot(input), dy = Slot(parts[0].OutputGradient);
        bool hasWeight = parts[0].Weight is not null, hasBias = parts.Any(part => part.Bias is not null);
        if (!hasWeight || parts.Any(part => part.Weight is null))
        {
            throw new UnsupportedOperationException(gradient); // biases alone, or a part of a matrix
        }

        PackedMatrix matrix = Matrix(gradient, parts, x);
        ProductPart[] products = [.. parts.Select(part => new ProductPart(part.Weight!, part.Bias, Groups.Of(Slot(part.OutputGradient))))];
        WeightArgument[] biases = products.Select(part => part.Bias).FirstOrDefault(bias => bias is not null) is { } bias && memory.Layout(bias).Biases(products) is { } vector ? [Gradient("dbias", vector)] : [];
        WeightGradientKernel kernel = names.Name(name => new WeightGradientKernel(
            name, matrix.Parts.Count, matrix.PaddedInputs, matrix.PaddedOutputs, OuterTilePlan.InputBlock(matrix.PaddedInputs, matrix.PanelCount), x.Buffer.Stride,
            dy.Buffer.Stride, hasWeight, hasBias), $"WeightGradient{parts.Sum(part => part.OutputGradient.Width)}x{input.Width}");
        string row = Row(parts.Select(part => part.OutputGradient));
        Add(kernel, gradient, $"dW += {row}ᵀ · {x.Name}" + (hasBias ? $", db += Σ {row}" : ""), [x, dy], [Gradient("dpanels", matrix), .. biases]);
    }

    /// <summary>The matrix of some products of one input, as the forward pass reads it.</summary>
    private PackedMatrix Matrix(Operation gradient, IReadOnlyList<GradientPart> parts, Slot input)
    {
        ProductPart[] products = [.. parts.Select(part => new ProductPart(part.Weight!, null, Groups.Of(Slot(part.OutputGradient))))];
        ParameterLayout layout = memory.Layout(products[0].Weight);
        return layout.PartOf(products[0], Groups.Of(input)) is not { } gate ? layout.Products(products, Groups.Of(input))
            : products.Length == gate.Matrix.Parts.Count ? gate.Matrix
            : throw new UnsupportedOperationException(gradient);
    }

    private void Plan(EmbeddingGradient gradient)
    {
        Slot dy = Slot(gradient.OutputGradient);
        PackedMatrix table = memory.Layout(gradient.Table).Table(gradient.Table);
        EmbeddingGradientKernel kernel = names.Name(name => new EmbeddingGradientKernel(
            name, dy.PaddedWidth, table.PaddedInputs, table.PaddedOutputs, dy.Buffer.Stride, gradient.Factor), $"EmbeddingGradient{gradient.OutputGradient.Width}");
        string factor = gradient.Factor == 1 ? "" : $" · {Text(gradient.Factor)}";
        Add(kernel, gradient, $"dtable[token[t]] += {dy.Name}[t]{factor}", [dy], [Gradient("dtable", table)]);
    }

    private void Plan(PositionEmbeddingGradient gradient)
    {
        Slot dy = Slot(gradient.OutputGradient);
        PositionGradientKernel kernel = names.Name(name => new PositionGradientKernel(name, dy.PaddedWidth, gradient.Offset, dy.Buffer.Stride), $"PositionGradient{gradient.OutputGradient.Width}");
        Add(kernel, gradient, $"dpositions[position[t]] += {dy.Name}[t]", [dy], [Gradient("dpositions", memory.Layout(gradient.Table).Positions(gradient.Table))]);
    }

    private static WeightArgument Gradient(string name, PackedMatrix matrix) => WeightArgument.Of(name, matrix, WeightBase.Gradients);

    private static WeightArgument Gradient(string name, PackedVector vector) => WeightArgument.Of(name, vector, WeightBase.Gradients);
}
