using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// The inner loop of block formats. Group by group: the sum of integer products, exact; then one multiplication by the row's scale and one fused
/// multiply-add by the column's: y += (float(sum) · scale[row]) · scale[column]. The chain over groups runs in order, whatever the tile.
/// </summary>
internal static class BlockTileWriter
{
    /// <summary>Writes the method of a tile of <paramref name="rows"/> rows, with the parameters of any tile; a row of x is a row of records (see <see cref="BlockDot"/>).</summary>
    public static void Write(KernelSet set, SourceWriter writer, Product product, int rows, string name)
    {
        BlockDot dot = set.Target.Dot((BlockFormat)product.Format);
        Write(set, writer, dot, product, rows, name, dot.Guard ?? TileWriter.Guard(set.Target, product, rows));
    }

    /// <summary>The tile where <paramref name="guard"/> holds; null: what runs where none does.</summary>
    private static void Write(KernelSet set, SourceWriter writer, BlockDot dot, Product product, int rows, string name, string? guard)
    {
        VectorTarget target = set.Target;
        BlockFormat format = (BlockFormat)product.Format;
        int inputs = product.Inputs ?? throw new ArgumentException("A product in a block format has a fixed number of inputs.", nameof(product));
        int width = BlockTilePlan.Columns(target.Set, dot.LanesOfSum(target), rows, product.Columns);
        BlockTile tile = new(format, rows, width / target.Lanes, product.PanelStride, TilePlan.Ahead(target.Set, rows, float32: false, recent: guard is not null && guard == target.Recent));
        bool loops = width != product.Columns;
        writer.Line($"/// <summary>{rows} row{(rows == 1 ? "" : "s")} × {product.Columns} columns{(loops ? $", {width} columns at a time" : "")}.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {name}(float* x, nint xStride, byte* panel, float* y, nint yStride{product.FurtherParameters})");
        if (guard is not null)
        {
            TileWriter.WriteGuard(set, writer, name, product.Arguments, guard, (own, plain) => Write(set, own, dot.Fallback ?? dot, product, rows, plain, null));
        }

        foreach (string constant in dot.TileConstants(target, format))
        {
            writer.Line(constant);
        }

        if (loops)
        {
            writer.Open($"for (int column = 0; column < {product.Columns}; column += {width})");
        }

        writer.Line($"byte* scales = panel{(loops ? $" + (column * {BlockFormat.ScaleBytes})" : "")};");
        writer.Line($"byte* chunks = panel + {product.PanelStride * BlockFormat.ScaleBytes}{(loops ? $" + (column * {BlockFormat.ColumnBytes})" : "")};");
        WriteRowPointers(writer, rows, "byte*", "in", "(byte*)x", $"xStride * {sizeof(float)}");
        if (product.Accumulates)
        {
            WriteRowPointers(writer, rows, "float*", "out", "y", "yStride");
        }

        TileWriter.WriteAccumulators(writer, target, product, rows, tile.Registers);
        WriteLoop(set, writer, dot, tile, inputs);
        if (!product.Accumulates)
        {
            WriteRowPointers(writer, rows, "float*", "out", "y", "yStride"); // only now: inside the loop every register counts
        }

        TileWriter.WriteStores(writer, target, product, rows, tile.Registers);
        if (loops)
        {
            TileWriter.WriteNextColumns(writer, product, width);
        }

        writer.Close();
    }

    private static void WriteRowPointers(SourceWriter writer, int rows, string type, string name, string first, string stride)
    {
        for (int row = 0; row < rows; row++)
        {
            writer.Line(row == 0 ? $"{type} {name}0 = {first};" : $"{type} {name}{row} = &{name}{row - 1}[{stride}];");
        }
    }

    private static void WriteLoop(KernelSet set, SourceWriter writer, BlockDot dot, BlockTile tile, int inputs)
    {
        VectorTarget target = set.Target;
        BlockFormat format = tile.Format;
        int groupBytes = format.GroupBytes(tile.PanelStride);
        writer.Open($"for (int group = 0; group < {inputs / BlockFormat.GroupInputs}; group++)");
        dot.WriteGroup(set, writer, tile);
        for (int register = 0; register < tile.Registers; register++)
        {
            int offset = register * target.Lanes * BlockFormat.ScaleBytes;
            writer.Line($"var scale{register} = {target.LoadScales(offset == 0 ? "scales" : $"&scales[{offset}]")};");
            for (int row = 0; row < tile.Rows; row++)
            {
                string sum = $"{target.Vector}.ConvertToSingle({dot.Sum(target, format, row, register)})";
                string rowScale = target.Broadcast($"*(float*)(in{row} + {format.ScaleOffsetBytes})");
                writer.Line($"y{row}_{register} = {target.Fma($"{sum} * {rowScale}", $"scale{register}", $"y{row}_{register}")};");
            }
        }

        writer.Line($"scales += {groupBytes};");
        writer.Line($"chunks += {tile.StepBytes(target)};");
        for (int row = 0; row < tile.Rows; row++)
        {
            writer.Line($"in{row} += {format.GroupInputFloats * sizeof(float)};");
        }

        writer.Close();
    }
}
