using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// A projection: workers claim panels (and, where panels are few, blocks of rows of them); all rows of a claim pass over a panel while it is in
/// the L2 cache; what follows the product is applied to a tile while it is in L1. Many rows pass over a panel that was unpacked to float32 once for
/// all of them: the same numbers, so the same bits.
/// </summary>
internal static class LinearWriter
{
    public static string Parameters(LinearKernel kernel)
        => $"Worker w, float* x{(kernel.ToLogits ? "" : ", float* y")}{(kernel.HasResidual ? ", float* residual" : "")}, byte* panels{(kernel.HasBias ? ", float* bias" : "")}";

    public static void Write(KernelSet set, SourceWriter writer, LinearKernel kernel)
    {
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Line($"int rows = {(kernel.ToLogits ? "w.LogitRows" : "w.Rows")};");
        if (kernel.ToLogits)
        {
            writer.Line("float* y = w.Logits;");
        }

        WriteClaims(set, writer, kernel);
        writer.Close();
    }

    /// <summary>Writes the loop that claims panels, over variables w, x, y, rows, panels and, where the kernel has them, bias and residual.</summary>
    public static void WriteClaims(KernelSet set, SourceWriter writer, LinearKernel kernel)
    {
        int parts = kernel.Gated ? 2 : kernel.Parts;
        int columns = kernel.Format.PanelColumns;
        long panelBytes = parts * kernel.Format.PanelBytes(kernel.Inputs, columns);
        int full = kernel.Outputs / columns;
        writer.Line($"WorkSplit split = WorkSplit.Of(rows, {kernel.Panels}, {TilePlan.Rows(set.Target.Set, kernel.UnpackOffset is null ? kernel.Format : F32Format.Instance)}, w.Count);");
        writer.Open("while (w.Next(split.Items, split.Grain, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        writer.Line("split.Locate(item, rows, out int panel, out int row, out int count);");
        string call(int width)
            => $"{Panel(set, kernel, width)}(w, x + ((nint)row * {kernel.InStride}), count, panels + ((nint)panel * {panelBytes}){(kernel.Part == 0 ? "" : $" + {kernel.Part * kernel.Format.PanelBytes(kernel.Inputs, width)}")}, y + ((nint)row * {kernel.OutStride}) + (panel * {columns})"
                + (kernel.HasBias ? $", bias + (panel * {columns})" : "")
                + (kernel.HasResidual ? $", residual + ((nint)row * {kernel.ResidualStride}) + (panel * {columns})" : "") + ");";
        if (full > 0 && kernel.TailColumns > 0)
        {
            writer.Open($"if (panel < {full})").Line(call(columns)).Close();
            writer.Open("else").Line(call(kernel.TailColumns)).Close();
        }
        else
        {
            writer.Line(call(full > 0 ? columns : kernel.TailColumns));
        }

        writer.Close().Close();
    }

    /// <summary>Requires the method that takes some rows over one panel (or a gate panel and its up panel).</summary>
    private static string Panel(KernelSet set, LinearKernel kernel, int columns)
        => set.Require(KernelFile.Kernels, $"{kernel.Name}Panel{columns}", writer =>
        {
            writer.Line($"/// <summary>{columns} columns of the product for some rows{(kernel.HasEpilogue ? ", and what follows it" : "")}.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {kernel.Name}Panel{columns}(Worker w, float* x, int rows, byte* panel, float* y"
                + (kernel.HasBias ? ", float* bias" : "") + (kernel.HasResidual ? ", float* residual" : "") + ")");
            if (kernel.InputBlocks == 1)
            {
                WriteWhole(writer, set, kernel, columns);
            }
            else
            {
                WriteBlocked(writer, set, kernel, columns);
            }

            writer.Close();
        });

    /// <summary>The whole inner dimension at once, tile by tile of rows. Bias and residual are added in registers; what needs more arithmetic passes through L1.</summary>
    private static void WriteWhole(SourceWriter writer, KernelSet set, LinearKernel kernel, int columns)
    {
        if (kernel.Activation is not null || kernel.Gated)
        {
            writer.Line("float* tile = w.Local;");
        }

        long panelBytes = kernel.Format.PanelBytes(kernel.Inputs, columns);
        if (kernel.UnpackOffset is { } offset)
        {
            string unpack = PanelUnpackWriter.Require(set, kernel.Format, columns);
            writer.Open($"if (rows >= {TilePlan.UnpackRows})");
            writer.Line($"float* unpacked = w.Local + {offset};");
            writer.Line($"{unpack}(({kernel.Format.ElementType}*)panel, {kernel.Inputs}, unpacked);");
            if (kernel.Gated)
            {
                writer.Line($"{unpack}(({kernel.Format.ElementType}*)(panel + {panelBytes}), {kernel.Inputs}, unpacked + {kernel.Inputs * columns});");
            }

            WriteTiles(writer, set, kernel, columns, F32Format.Instance, "unpacked", $"unpacked + {kernel.Inputs * columns}");
            writer.Line("return;").Close().Line();
        }

        string element = kernel.Format.ElementType;
        WriteTiles(writer, set, kernel, columns, kernel.Format, $"({element}*)panel", $"({element}*)(panel + {panelBytes})");
    }

    /// <summary>All rows, tile by tile, over a panel (and the up panel) in <paramref name="format"/>.</summary>
    private static void WriteTiles(SourceWriter writer, KernelSet set, LinearKernel kernel, int columns, WeightFormat format, string panel, string upPanel)
    {
        int tileRows = TilePlan.Rows(set.Target.Set, format);
        bool passes = kernel.Activation is not null || kernel.Gated;
        string product = TileWriter.Require(set, new Product(
            format, kernel.Inputs, columns, columns, false, !passes && kernel.HasBias, !passes && kernel.HasResidual));
        writer.Open($"for (int row = 0; row < rows; row += {tileRows})");
        writer.Line($"int count = Math.Min({tileRows}, rows - row);");
        WritePrefetch(set, writer, "y", Literals.Int(kernel.OutStride), columns);
        if (!passes)
        {
            writer.Line($"{product}(x, {kernel.InStride}, count, {panel}, y, {kernel.OutStride}"
                + (kernel.HasBias ? ", bias" : "") + (kernel.HasResidual ? $", residual, {kernel.ResidualStride}" : "") + ");");
        }
        else
        {
            writer.Line($"{product}(x, {kernel.InStride}, count, {panel}, tile, 64);");
            if (kernel.Gated)
            {
                writer.Line($"{product}(x, {kernel.InStride}, count, {upPanel}, tile + {LocalScratch.TileFloats}, 64);");
            }

            WriteEpilogue(writer, set, kernel, columns, "count", $"tile + {LocalScratch.TileFloats}");
        }

        writer.Line($"x += {tileRows} * {kernel.InStride};");
        writer.Line($"y += {tileRows} * {kernel.OutStride};");
        if (kernel.HasResidual)
        {
            writer.Line($"residual += {tileRows} * {kernel.ResidualStride};");
        }

        writer.Close();
    }

    /// <summary>Block by block of the inner dimension: a block of the panel stays in L2 while all rows pass; chains continue in memory.</summary>
    private static void WriteBlocked(SourceWriter writer, KernelSet set, LinearKernel kernel, int columns)
    {
        string stride = kernel.HasEpilogue ? "64" : Literals.Int(kernel.OutStride);
        string element = kernel.Format.ElementType;
        writer.Line($"float* tile = {(kernel.HasEpilogue ? "w.LocalRows" : "y")};");
        string[] parts = kernel.Gated ? ["tile", "up"] : ["tile"];
        if (kernel.Gated)
        {
            writer.Line("float* up = tile + (64 * rows);");
        }

        foreach (string target in parts)
        {
            writer.Open($"for (int block = 0; block < {kernel.InputBlocks}; block++)");
            if (kernel.UnpackOffset is { } offset)
            {
                writer.Open($"if (rows >= {TilePlan.UnpackRows})");
                writer.Line($"float* unpacked = w.Local + {offset};");
                writer.Line($"{PanelUnpackWriter.Require(set, kernel.Format, columns)}(({element}*)panel, {kernel.BlockInputs}, unpacked);");
                WriteBlockTiles(writer, set, kernel, columns, F32Format.Instance, "unpacked", target, stride);
                writer.Close().Open("else");
            }

            WriteBlockTiles(writer, set, kernel, columns, kernel.Format, $"({element}*)panel", target, stride);
            if (kernel.UnpackOffset is not null)
            {
                writer.Close().Line();
            }

            writer.Line($"panel += {kernel.Format.PanelBytes(kernel.BlockInputs, columns)};");
            writer.Close().Line();
        }

        if (kernel.HasEpilogue)
        {
            WriteEpilogue(writer, set, kernel, columns, "rows", "up");
        }
    }

    /// <summary>All rows, tile by tile, over block <c>block</c> of a panel in <paramref name="format"/>.</summary>
    private static void WriteBlockTiles(
        SourceWriter writer, KernelSet set, LinearKernel kernel, int columns, WeightFormat format, string panel, string target, string stride)
    {
        int tileRows = TilePlan.Rows(set.Target.Set, format);
        string begin = TileWriter.Require(set, new Product(format, kernel.BlockInputs, columns, columns, false));
        string next = TileWriter.Require(set, new Product(format, kernel.BlockInputs, columns, columns, true));
        writer.Open($"for (int row = 0; row < rows; row += {tileRows})");
        writer.Line($"int count = Math.Min({tileRows}, rows - row);");
        writer.Line($"float* input = x + ((nint)row * {kernel.InStride}) + (block * {format.InputFloats(kernel.BlockInputs)});");
        writer.Line($"float* output = {target} + ((nint)row * {stride});");
        writer.Open("if (block == 0)");
        if (!kernel.HasEpilogue) // else what is written lies in L1
        {
            WritePrefetch(set, writer, "output", stride, columns);
        }

        writer.Line($"{begin}(input, {kernel.InStride}, count, {panel}, output, {stride});").Close();
        writer.Open("else").Line($"{next}(input, {kernel.InStride}, count, {panel}, output, {stride});").Close();
        writer.Close();
    }

    /// <summary>Asks for what the next tile of count rows writes, where the plan wants it.</summary>
    private static void WritePrefetch(KernelSet set, SourceWriter writer, string y, string stride, int columns)
    {
        if (TilePlan.PrefetchesOutputs(set.Target.Set))
        {
            writer.Line($"{PrefetchWriter.Rows(set, columns, PrefetchHint.Second)}({y}, {stride}, count);");
        }
    }

    private static void WriteEpilogue(SourceWriter writer, KernelSet set, LinearKernel kernel, int columns, string rows, string up)
    {
        VectorTarget t = set.Target;
        writer.Open($"for (nint r = 0; r < {rows}; r++)");
        writer.Open($"for (nint c = 0; c < {columns}; c += {t.Lanes})");
        writer.Line($"var v = {t.Load("tile + (r * 64) + c")}{(kernel.HasBias ? $" + {t.Load("bias + c")}" : "")};");
        if (kernel.Activation is { } activation)
        {
            writer.Line($"v = {ActivationWriter.Apply(set, activation, "v")};");
        }

        if (kernel.Gated)
        {
            string upValue = t.Load($"{up} + (r * 64) + c");
            writer.Line($"v *= {(kernel.HasBias ? $"({upValue} + {t.Load($"bias + {kernel.Outputs} + c")})" : upValue)};");
        }

        if (kernel.HasResidual)
        {
            writer.Line($"v += {t.Load($"residual + (r * {kernel.ResidualStride}) + c")};");
        }

        writer.Line(t.Store("v", $"y + (r * {kernel.OutStride}) + c"));
        writer.Close().Close();
    }
}
