using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// Head, loss and their gradients, a block of rows at a time: logits, with the panels of projections | each row's loss, and its logits' gradient in their place | dx and dW together, as
/// items of one stage. The workers meet at each bar, and behind each block.
/// </summary>
internal static class HeadLossWriter
{
    public static string Parameters(HeadLossKernel kernel)
        => $"Worker w, float* x{(kernel.HasInputGradient ? ", float* dx" : "")}, byte* panels{(kernel.Trained ? ", byte* dpanels" : "")}";

    public static void Write(KernelSet set, SourceWriter writer, HeadLossKernel kernel)
    {
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Line($"int blocks = (w.Rows + {kernel.BlockRows - 1}) / {kernel.BlockRows};");
        writer.Line("int each = (w.Rows + blocks - 1) / Math.Max(blocks, 1); // equal blocks: each turns the whole matrix");
        writer.Line($"int most = Math.Min((each + {TrainingBlocks.RowMultiple - 1}) / {TrainingBlocks.RowMultiple} * {TrainingBlocks.RowMultiple}, {kernel.BlockRows});");
        writer.Open("for (int begin = 0; begin < w.Rows; begin += most)");
        writer.Line("int rows = Math.Min(most, w.Rows - begin);");
        writer.Line($"{Logits(set, kernel)}(w, x + ((nint)begin * {kernel.InStride}), rows, panels);");
        writer.Line("w.Barrier();");
        writer.Open("while (w.Next(rows, 1, out int first, out int last))");
        writer.Open("for (int row = first; row < last; row++)");
        writer.Line($"w.Losses[begin + row] = {RowLoss(set, kernel)}(w.Logits + ((nint)row * {kernel.VocabStride}), w.Targets[begin + row], w.LossScale, w.LossOnly);");
        writer.Close().Close().Line();
        writer.Line("w.Barrier();");
        if (kernel.HasInputGradient || kernel.Trained)
        {
            writer.Open("if (!w.LossOnly)");
            string dx = kernel.HasInputGradient ? $", dx + ((nint)begin * {kernel.OutStride})" : "";
            writer.Line($"{Gradients(set, kernel)}(w, x + ((nint)begin * {kernel.InStride}){dx}, rows, panels{(kernel.Trained ? ", dpanels" : "")});");
            writer.Line("w.Barrier();");
            writer.Close();
        }

        writer.Close().Close();
    }

    private static string Logits(KernelSet set, HeadLossKernel kernel) => set.Require(KernelFile.Kernels, kernel.Name + "Logits", writer =>
    {
        LinearKernel linear = new(
            kernel.Name + "Logits", kernel.Format, kernel.Format.PadInputs(kernel.Inputs), ArenaPlanner.Pad(kernel.Vocab), kernel.InputBlocks, kernel.InStride, kernel.VocabStride, 0, false, false, null, false, false);
        writer.Line("/// <summary>Logits of a block of rows.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {linear.Name}(Worker w, float* x, int rows, byte* panels)");
        writer.Line("float* y = w.Logits;");
        LinearWriter.WriteClaims(set, writer, linear);
        writer.Close();
    });

    private static string Gradients(KernelSet set, HeadLossKernel kernel) => set.Require(KernelFile.Kernels, kernel.Name + "Gradients", writer =>
    {
        InputGradientKernel input = InputGradient(kernel);
        WeightGradientKernel weight = WeightGradient(kernel);
        writer.Line("/// <summary>dx = dlogits · W and dW += dlogitsᵀ · x, of a block of rows.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {kernel.Name}Gradients({Parameters(kernel).Replace(", byte* panels", ", int rows, byte* panels")})");
        writer.Line("float* dy = w.Logits;");
        if (kernel.HasInputGradient)
        {
            writer.Line($"WorkSplit split = {InputGradientWriter.Split(set, input, "rows")};");
        }

        string items = !kernel.HasInputGradient ? Literals.Int(WeightGradientWriter.Items(weight)) : "split.Items" + (kernel.Trained ? $" + {WeightGradientWriter.Items(weight)}" : "");
        writer.Open($"while (w.Next({items}, 1, out int first, out int last))");
        writer.Open($"for (int {(kernel.HasInputGradient && kernel.Trained ? "place" : "item")} = first; {(kernel.HasInputGradient && kernel.Trained ? "place < last; place++" : "item < last; item++")})");
        if (kernel.HasInputGradient && kernel.Trained)
        {
            writer.Open("if (place < split.Items)");
            writer.Line("int item = place;");
            InputGradientWriter.WriteItem(set, writer, input, "rows");
            writer.Close();
            writer.Open("else");
            writer.Line("int item = place - split.Items;");
            WeightGradientWriter.WriteItem(set, writer, weight, "rows");
            writer.Close();
        }
        else if (kernel.HasInputGradient)
        {
            InputGradientWriter.WriteItem(set, writer, input, "rows");
        }
        else
        {
            WeightGradientWriter.WriteItem(set, writer, weight, "rows");
        }

        writer.Close().Close().Close();
    });

    /// <summary>The gradient of x that a block of rows takes.</summary>
    public static InputGradientKernel InputGradient(HeadLossKernel kernel) => new(
        kernel.Name + "Input", kernel.Format, 1, kernel.Inputs, ArenaPlanner.Pad(kernel.Vocab), kernel.OutputBlock, kernel.VocabStride, 0, kernel.OutStride, false);

    private static WeightGradientKernel WeightGradient(HeadLossKernel kernel) => new(
        kernel.Name + "Weight", 1, kernel.Inputs, ArenaPlanner.Pad(kernel.Vocab), OuterTilePlan.InputBlock(kernel.Inputs, (kernel.Vocab + 63) / 64), kernel.InStride, kernel.VocabStride, true, false);

    /// <summary>Requires <c>float (logits, target, scale, lossOnly)</c>: log Σ e^logits − logits[target], and in the logits' place their gradient.</summary>
    private static string RowLoss(KernelSet set, HeadLossKernel kernel) => set.Require(KernelFile.Kernels, kernel.Name + "Row", writer =>
    {
        VectorTarget t = set.Target;
        int padded = ArenaPlanner.Pad(kernel.Vocab);
        string[] most = [.. Enumerable.Range(0, t.PerSixteen).Select(i => $"most{i}")];
        writer.Line("/// <summary>The loss of a row, log Σ e^logits − logits[target], and (softmax(logits) − onehot(target)) · scale in the logits' place; 0 without a target.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static float {kernel.Name}Row(float* logits, int target, float scale, bool lossOnly)");
        writer.Open("if (target < 0)");
        writer.Line($"new Span<float>(logits, {padded}).Clear();");
        writer.Line("return 0f;").Close().Line();
        if (padded != kernel.Vocab)
        {
            writer.Line($"new Span<float>(logits + {kernel.Vocab}, {padded - kernel.Vocab}).Fill(float.NegativeInfinity); // the padding weighs nothing");
        }

        foreach (string lanes in most)
        {
            writer.Line($"var {lanes} = {t.Broadcast("float.NegativeInfinity")};");
        }

        writer.Open($"for (nint c = 0; c < {padded}; c += 16)");
        for (int i = 0; i < most.Length; i++)
        {
            writer.Line($"var v{i} = {t.Load(i == 0 ? "logits + c" : $"logits + c + {i * t.Lanes}")};");
            writer.Line($"{most[i]} = {t.Vector}.ConditionalSelect({t.Vector}.GreaterThan(v{i}, {most[i]}), v{i}, {most[i]});");
        }

        writer.Close().Line();
        for (int i = 1; i < most.Length; i++)
        {
            writer.Line($"most0 = {t.Vector}.ConditionalSelect({t.Vector}.GreaterThan({most[i]}, most0), {most[i]}, most0);");
        }

        writer.Line($"float maximum = {LaneMath.Max(set, "most0")}, wanted = logits[target] - maximum;");
        writer.Line($"var top = {t.Broadcast("maximum")};");
        writer.Line($"float sum = {WholeSoftmaxWriter.WriteExponentials(writer, set, "logits", "0", Literals.Int(padded))};");
        writer.Open("if (!lossOnly)");
        writer.Line($"var factor = {t.Broadcast("scale / sum")};");
        writer.Open($"for (nint c = 0; c < {padded}; c += {t.Lanes})");
        writer.Line(t.Store($"{t.Load("logits + c")} * factor", "logits + c"));
        writer.Close().Line();
        writer.Line("logits[target] -= scale;");
        writer.Close().Line();
        writer.Line($"return {LaneMath.Log(set)}({t.Broadcast("sum")}).ToScalar() - wanted;");
        writer.Close();
    });
}
