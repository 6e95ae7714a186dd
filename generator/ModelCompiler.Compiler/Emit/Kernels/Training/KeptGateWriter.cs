using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// A gated projection that keeps gate and up: <see cref="LinearWriter"/>'s, with the two products written where they are kept, and hidden made of
/// them while they are in the first-level cache. The same bits.
/// </summary>
internal static class KeptGateWriter
{
    public static string Parameters(KeptGateKernel kernel)
        => "Worker w, float* x, float* hidden, float* gate, float* up, byte* panels" + (kernel.HasBias ? ", float* bias" : "");

    public static void Write(KernelSet set, SourceWriter writer, KeptGateKernel kernel)
    {
        PanelLayout layout = new(kernel.Format, 1, kernel.Inputs, kernel.Outputs);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Line($"WorkSplit split = WorkSplit.Of(w.Rows, {layout.Panels}, {TilePlan.Rows(set.Target.Set, kernel.Format)}, w.Count);");
        writer.Open("while (w.Next(split.Items, split.Grain, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        writer.Line("split.Locate(item, w.Rows, out int panel, out int row, out int count);");
        string Place(string pointer, int stride) => $"{pointer} + ((nint)row * {stride}) + (panel * {layout.Columns})";
        PanelWalk.WriteForWidth(writer, layout, columns =>
            $"{Panel(set, kernel, columns)}(x + ((nint)row * {kernel.InStride}), count, panels + ((nint)panel * {2 * layout.PanelBytes(layout.Columns)}), "
                + $"{Place("hidden", kernel.OutStride)}, {Place("gate", kernel.GateStride)}, {Place("up", kernel.UpStride)}{(kernel.HasBias ? $", bias + (panel * {layout.Columns})" : "")});");
        writer.Close().Close().Close();
    }

    private static string Panel(KernelSet set, KeptGateKernel kernel, int columns)
        => set.Require(KernelFile.Kernels, $"{kernel.Name}Panel{columns}", writer =>
        {
            int tileRows = TilePlan.Rows(set.Target.Set, kernel.Format);
            writer.Line($"/// <summary>{columns} columns of gate and up for some rows, and hidden.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {kernel.Name}Panel{columns}(float* x, int rows, byte* panel, float* hidden, float* gate, float* up{(kernel.HasBias ? ", float* bias" : "")})");
            long partBytes = kernel.Format.PanelBytes(kernel.Format.PadInputs(kernel.Inputs), columns);
            if (kernel.InputBlocks == 1)
            {
                writer.Open($"for (int row = 0; row < rows; row += {tileRows})");
                writer.Line($"int count = Math.Min({tileRows}, rows - row);");
                WriteProduct(set, writer, kernel, columns, "gate", "x", "panel", kernel.GateStride, false, true, "bias");
                WriteProduct(set, writer, kernel, columns, "up", "x", $"panel + {partBytes}", kernel.UpStride, false, true, $"bias + {kernel.Outputs}");
                WriteHidden(writer, set, kernel, columns, "count");
                foreach ((string pointer, int stride) in new[] { ("x", kernel.InStride), ("hidden", kernel.OutStride), ("gate", kernel.GateStride), ("up", kernel.UpStride) })
                {
                    writer.Line($"{pointer} += {tileRows} * {stride};");
                }

                writer.Close();
            }
            else
            {
                WriteBlocked(set, writer, kernel, columns, "gate", kernel.GateStride, "bias");
                WriteBlocked(set, writer, kernel, columns, "up", kernel.UpStride, $"bias + {kernel.Outputs}");
                WriteHidden(writer, set, kernel, columns, "rows");
            }

            writer.Close();
        });

    /// <summary>Block by block of the inner dimension; the last one adds the bias.</summary>
    private static void WriteBlocked(KernelSet set, SourceWriter writer, KeptGateKernel kernel, int columns, string target, int stride, string bias)
    {
        int tileRows = TilePlan.Rows(set.Target.Set, kernel.Format), inputs = kernel.Inputs / kernel.InputBlocks;
        for (int part = 0; part < 3; part++)
        {
            int blocks = part == 1 ? kernel.InputBlocks - 2 : 1;
            if (blocks == 0)
            {
                continue;
            }

            writer.Open(blocks == 1 ? "" : $"for (int block = 0; block < {blocks}; block++)");
            writer.Open($"for (int row = 0; row < rows; row += {tileRows})");
            writer.Line($"int count = Math.Min({tileRows}, rows - row);");
            writer.Line($"float* output = {target} + ((nint)row * {stride});");
            WriteProduct(set, writer, kernel, columns, "output", $"x + ((nint)row * {kernel.InStride})", "panel", stride, part > 0, part == 2, bias);
            writer.Close();
            writer.Line($"x += {kernel.Format.InputFloats(inputs)};");
            writer.Line($"panel += {kernel.Format.PanelBytes(inputs, columns)};");
            writer.Close();
        }

        writer.Line($"x -= {kernel.InputBlocks * kernel.Format.InputFloats(inputs)};");
    }

    private static void WriteProduct(
        KernelSet set, SourceWriter writer, KeptGateKernel kernel, int columns, string target, string x, string panel, int stride, bool accumulates, bool last, string bias)
    {
        bool addsBias = last && kernel.HasBias;
        string product = TileWriter.Require(set, new Product(kernel.Format, kernel.Inputs / kernel.InputBlocks, columns, columns, accumulates, addsBias));
        writer.Line($"{product}({x}, {kernel.InStride}, count, ({kernel.Format.ElementType}*)({panel}), {target}, {stride}{(addsBias ? $", {bias}" : "")});");
    }

    private static void WriteHidden(SourceWriter writer, KernelSet set, KeptGateKernel kernel, int columns, string rows)
    {
        VectorTarget t = set.Target;
        writer.Open($"for (nint r = 0; r < {rows}; r++)");
        writer.Open($"for (nint c = 0; c < {columns}; c += {t.Lanes})");
        string value = ActivationWriter.Apply(set, kernel.Activation, t.Load($"gate + (r * {kernel.GateStride}) + c"));
        writer.Line(t.Store($"{value} * {t.Load($"up + (r * {kernel.UpStride}) + c")}", $"hidden + (r * {kernel.OutStride}) + c"));
        writer.Close().Close();
    }
}
