using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// The gradient of a projection's input. A worker claims 64 inputs for a block of rows, turns these inputs' weights into a panel of its own, [outputs × 64],
/// as many outputs as its second-level cache holds, and lets the rows pass over it with the tiles of the forward products. To turn 64 × 64 weights costs as much as some
/// two rows of products with them. What follows the product is applied to a tile while it is in the first-level cache.
/// </summary>
internal static class InputGradientWriter
{
    /// <summary>Inputs of a transposed panel.</summary>
    private const int Columns = 64;

    public static string Parameters(InputGradientKernel kernel) => $"Worker w, float* dy{Pointers(kernel)}, byte* panels";

    public static void Write(KernelSet set, SourceWriter writer, InputGradientKernel kernel)
    {
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Line($"WorkSplit split = {Split(set, kernel, "w.Rows")};");
        writer.Open("while (w.Next(split.Items, split.Grain, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        WriteItem(set, writer, kernel, "w.Rows");
        writer.Close().Close().Close();
    }

    /// <summary>C# for the split of a stage.</summary>
    public static string Split(KernelSet set, InputGradientKernel kernel, string rows)
        => $"WorkSplit.OfLarge({rows}, {(kernel.Inputs + Columns - 1) / Columns}, {TilePlan.Rows(set.Target.Set, F32Format.Instance)}, w.Count)";

    /// <summary>Writes the work of the item in variable <c>item</c> of <c>split</c>, of <paramref name="rows"/> rows of <c>dy</c> and <c>dx</c>.</summary>
    public static void WriteItem(KernelSet set, SourceWriter writer, InputGradientKernel kernel, string rows)
    {
        writer.Line($"split.Locate(item, {rows}, out int block, out int row, out int count);");
        string Call(int columns) => $"{Block(set, kernel, columns)}(w, {Row("dy", kernel.GradientStride)}"
            + string.Concat(Operands(kernel).Select(operand => $", {Row(operand.Name, operand.Stride)} + (block * {Columns})")) + ", count, panels, block);";
        int full = kernel.Inputs / Columns, tail = kernel.Inputs % Columns;
        if (full > 0 && tail > 0)
        {
            writer.Open($"if (block < {full})").Line(Call(Columns)).Close();
            writer.Open("else").Line(Call(tail)).Close();
        }
        else
        {
            writer.Line(Call(full > 0 ? Columns : tail));
        }
    }

    /// <summary>What is read and written element by element, and the floats between its rows.</summary>
    private static IEnumerable<(string Name, int Stride)> Operands(InputGradientKernel kernel)
    {
        (string, int)[] residual = kernel.HasResidual ? [("residual", kernel.ResidualStride)] : [];
        return kernel.Gate is { } gate
            ? [.. residual, ("gate", gate.GateStride), ("up", gate.UpStride), ("dgate", kernel.OutStride), ("dup", gate.UpGradientStride)]
            : [.. residual, ("dx", kernel.OutStride)];
    }

    private static string Pointers(InputGradientKernel kernel) => string.Concat(Operands(kernel).Select(operand => $", float* {operand.Name}"));

    /// <summary>Requires the method that takes some rows over some inputs.</summary>
    private static string Block(KernelSet set, InputGradientKernel kernel, int columns)
        => set.Require(KernelFile.Kernels, $"{kernel.Name}Block{columns}", writer =>
        {
            PanelLayout layout = kernel.Layout;
            string written = kernel.Gate is null ? "dx" : "dgate and dup";
            writer.Line($"/// <summary>{written} of {columns} inputs for some rows, {(kernel.IsWhole ? "all outputs" : $"{kernel.OutputBlock} outputs")} at a time.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {kernel.Name}Block{columns}(Worker w, float* dy{Pointers(kernel)}, int rows, byte* panels, int block)");
            writer.Line("float* turned = w.Local;");
            if (!kernel.IsWhole)
            {
                writer.Open($"for (int begin = 0; begin < {layout.Panels}; begin += {kernel.BlockPanels})");
                writer.Line($"int end = Math.Min(begin + {kernel.BlockPanels}, {layout.Panels});");
            }

            writer.Line("float* target = turned;");
            writer.Open($"for (int panel = {(kernel.IsWhole ? "0" : "begin")}; panel < {(kernel.IsWhole ? Literals.Int(layout.Panels) : "end")}; panel++)");
            writer.Line($"byte* source = panels + {PanelWalk.OffsetBytes(layout, "panel")};");
            PanelWalk.WriteForWidth(writer, layout, width => WriteTurn(set, kernel, layout, columns, width));
            writer.Line($"target += {PanelWalk.Width(layout, "panel")} * {columns};");
            writer.Close().Line();
            WriteRows(set, writer, kernel, columns);
            if (!kernel.IsWhole)
            {
                writer.Close();
            }

            writer.Close();
        });

    /// <summary>Lets the rows pass over the turned panel, tile by tile.</summary>
    private static void WriteRows(KernelSet set, SourceWriter writer, InputGradientKernel kernel, int columns)
    {
        int tile = TilePlan.Rows(set.Target.Set, F32Format.Instance);
        writer.Line($"nint outputs = (nint)(target - turned) / {columns};");
        if (!kernel.IsWhole)
        {
            writer.Line($"float* gradient = dy + ({PanelWalk.Column(kernel.Layout, "begin")});");
        }

        writer.Open($"for (int row = 0; row < rows; row += {tile})");
        writer.Line($"int count = Math.Min({tile}, rows - row);");
        if (kernel.Gate is { } gate)
        {
            WriteGated(set, writer, kernel, gate, columns);
        }
        else
        {
            WriteProduct(set, writer, kernel, columns, Row("dx", kernel.OutStride), kernel.OutStride);
        }

        writer.Close();
    }

    /// <summary>A tile of dx, or of its sum over the blocks of outputs so far.</summary>
    private static void WriteProduct(KernelSet set, SourceWriter writer, InputGradientKernel kernel, int columns, string target, int targetStride)
    {
        string Product(bool accumulates, bool addsResidual)
        {
            Product product = new(F32Format.Instance, null, columns, columns, accumulates, false, addsResidual);
            return $"{TileWriter.Require(set, product)}({Row(kernel.IsWhole ? "dy" : "gradient", kernel.GradientStride)}, {kernel.GradientStride}, count, turned, {target}, {targetStride}"
                + (addsResidual ? $", {Row("residual", kernel.ResidualStride)}, {kernel.ResidualStride}" : "") + ", outputs);";
        }

        if (kernel.IsWhole)
        {
            writer.Line(Product(false, kernel.HasResidual));
            return;
        }

        // The residual with the first block: dx may be the residual.
        writer.Open("if (begin == 0)").Line(Product(false, kernel.HasResidual)).Close();
        writer.Open("else").Line(Product(true, false)).Close();
    }

    /// <summary>A tile of dh in scratch, and, as soon as it is complete, the gate's gradient. Behind the turned panel there is room for a tile; sums over blocks of outputs have room for all rows.</summary>
    private static void WriteGated(KernelSet set, SourceWriter writer, InputGradientKernel kernel, GateGradientPlan gate, int columns)
    {
        writer.Line($"float* dh = {(kernel.IsWhole ? $"turned + {TrainingScratch.TurnedFloats(kernel)}" : Row("w.LocalRows", Columns))};");
        if (kernel.IsWhole && TilePlan.PrefetchesOutputs(set.Target.Set))
        {
            string ask = PrefetchWriter.Rows(set, columns, PrefetchHint.Second); // the outputs, too, lie there where they can
            writer.Line($"{ask}({Row("gate", gate.GateStride)}, {gate.GateStride}, count);");
            writer.Line($"{ask}({Row("up", gate.UpStride)}, {gate.UpStride}, count);");
        }

        WriteProduct(set, writer, kernel, columns, "dh", Columns);
        string call = $"{GateGradientWriter.Require(set, kernel, gate, columns)}(dh, {Row("gate", gate.GateStride)}, {Row("up", gate.UpStride)}, "
            + $"{Row("dgate", kernel.OutStride)}, {Row("dup", gate.UpGradientStride)}, count);";
        if (kernel.IsWhole)
        {
            writer.Line(call);
        }
        else
        {
            writer.Open($"if (end == {kernel.Layout.Panels})").Line(call).Close();
        }
    }

    private static string Row(string pointer, int stride) => $"{pointer} + ((nint)row * {stride})";

    /// <summary>C# that turns the block's part of the panel at <c>source</c> into rows at <c>target</c>; other formats than f32 are decoded first, behind the turned panel.</summary>
    private static string WriteTurn(KernelSet set, InputGradientKernel kernel, PanelLayout layout, int columns, int width)
    {
        string transpose = TransposeWriter.Require(set);
        string from = $"source + (block * (nint){layout.BlockBytes(Columns, width)})";
        if (kernel.Format is F32Format)
        {
            return $"{transpose}((float*)({from}), {width}, {columns}, {width}, target, {columns});";
        }

        int inputs = kernel.Format.PadInputs(columns);
        return $"float* decoded = turned + {TrainingScratch.TurnedFloats(kernel)};\n"
            + $"{PanelDecodeWriter.Require(set, kernel.Format, width)}({from}, {inputs}, decoded);\n"
            + $"{transpose}(decoded, {width}, {columns}, {width}, target, {columns});";
    }
}
