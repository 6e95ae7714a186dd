using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// The gradient of a projection's input. A worker claims 64 inputs for a block of rows, turns these inputs' weights into a panel of its own, [outputs × 64],
/// as many outputs as its second-level cache holds, and lets the rows pass over it with the tiles of the forward products. To turn 64 × 64 weights costs as much as some
/// two rows of products with them.
/// </summary>
internal static class InputGradientWriter
{
    /// <summary>Inputs of a transposed panel.</summary>
    private const int Columns = 64;

    public static string Parameters(InputGradientKernel kernel)
        => $"Worker w, float* dy{(kernel.HasResidual ? ", float* residual" : "")}, float* dx, byte* panels";

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
        string Call(int columns) => $"{Block(set, kernel, columns)}(w, dy + ((nint)row * {kernel.GradientStride})"
            + (kernel.HasResidual ? $", residual + ((nint)row * {kernel.ResidualStride}) + (block * {Columns})" : "")
            + $", dx + ((nint)row * {kernel.OutStride}) + (block * {Columns}), count, panels, block);";
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

    /// <summary>Requires the method that takes some rows over some inputs.</summary>
    private static string Block(KernelSet set, InputGradientKernel kernel, int columns)
        => set.Require(KernelFile.Kernels, $"{kernel.Name}Block{columns}", writer =>
        {
            PanelLayout layout = new(kernel.Format, kernel.Parts, kernel.Inputs, kernel.PartOutputs);
            int step = kernel.OutputBlock / layout.Columns, tile = TilePlan.Rows(set.Target.Set, F32Format.Instance);
            bool whole = step >= layout.Panels;
            writer.Line($"/// <summary>dx of {columns} inputs for some rows, {(whole ? "all outputs" : $"{kernel.OutputBlock} outputs")} at a time.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {kernel.Name}Block{columns}(Worker w, float* dy{(kernel.HasResidual ? ", float* residual" : "")}, float* dx, int rows, byte* panels, int block)");
            writer.Line("float* turned = w.Local;");
            if (!whole)
            {
                writer.Open($"for (int begin = 0; begin < {layout.Panels}; begin += {step})");
                writer.Line($"int end = Math.Min(begin + {step}, {layout.Panels});");
            }

            writer.Line("float* target = turned;");
            writer.Open($"for (int panel = {(whole ? "0" : "begin")}; panel < {(whole ? Literals.Int(layout.Panels) : "end")}; panel++)");
            writer.Line($"byte* source = panels + {PanelWalk.OffsetBytes(layout, "panel")};");
            PanelWalk.WriteForWidth(writer, layout, width => WriteTurn(set, kernel, layout, columns, width));
            writer.Line($"target += {PanelWalk.Width(layout, "panel")} * {columns};");
            writer.Close().Line();
            writer.Line($"nint outputs = (nint)(target - turned) / {columns};");
            if (!whole)
            {
                writer.Line($"float* gradient = dy + ({PanelWalk.Column(layout, "begin")});");
            }

            writer.Open($"for (int row = 0; row < rows; row += {tile})");
            writer.Line($"int count = Math.Min({tile}, rows - row);");
            string source = whole ? "dy" : "gradient";
            string Product(bool accumulates, bool addsResidual)
            {
                Product product = new(F32Format.Instance, null, columns, columns, accumulates, false, addsResidual);
                return $"{TileWriter.Require(set, product)}({source} + ((nint)row * {kernel.GradientStride}), {kernel.GradientStride}, count, turned, dx + ((nint)row * {kernel.OutStride}), {kernel.OutStride}"
                    + (addsResidual ? $", residual + ((nint)row * {kernel.ResidualStride}), {kernel.ResidualStride}" : "") + ", outputs);";
            }

            if (whole)
            {
                writer.Line(Product(false, kernel.HasResidual));
            }
            else
            {
                // The residual with the first block: dx may be the residual.
                writer.Open("if (begin == 0)").Line(Product(false, kernel.HasResidual)).Close();
                writer.Open("else").Line(Product(true, false)).Close();
                writer.Close();
            }

            writer.Close().Close();
        });

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
