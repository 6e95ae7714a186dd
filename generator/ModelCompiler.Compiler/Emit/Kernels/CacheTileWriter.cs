using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// The products of decoding: the queries of one position with a page as it lies in the cache. Words are taken apart in registers, so that a
/// page is read once and nothing is written. Each result is one chain of fused multiply-adds over the inner dimension in order, as in
/// <see cref="TileWriter"/>, whose bits a page that was taken apart beforehand gives.
/// </summary>
/// <param name="set">Where methods go.</param>
/// <param name="block">What a page holds.</param>
/// <param name="values">Weighted sums of values; otherwise scores.</param>
internal sealed class CacheTileWriter(KernelSet set, CacheBlock block, bool values)
{
    private readonly VectorTarget target = set.Target;
    private readonly int columns = values ? block.HeadDim : CachePage.Positions;
    private readonly int numbers = block.Format.NumbersPerWord;
    private readonly int groupSize = block.Format.GroupSize;
    private readonly bool asksNext = values && AsksNext(set.Target, block);

    /// <summary>Requires <c>(q, rows, keys, scores[, scales])</c>: scores[rows × 64] = q[rows × headDim] · keys.</summary>
    public static string Scores(KernelSet set, CacheBlock block) => new CacheTileWriter(set, block, false).Require();

    /// <summary>
    /// Requires <c>(weights, rows, values, sums, inputs[, next][, scales])</c>: sums[rows × headDim] += weights[rows × 64] · values. What is read behind them begins at next
    /// (<see cref="AsksNext"/>).
    /// </summary>
    public static string Values(KernelSet set, CacheBlock block) => new CacheTileWriter(set, block, true).Require();

    /// <summary>Whether a tile asks for lines ahead of it, and so, at its last values, for the next page.</summary>
    public static bool AsksNext(VectorTarget target, CacheBlock block)
        => TilePlan.CacheAhead(target.Set, 1, block.Format.NumbersPerWord == 1, recent: target.Recent is not null).Bytes > 0;

    private string Suffix => (values ? "Values" : "Scores") + block.HeadDim + block.Format.Name.ToUpperInvariant();

    private string Parameters => "uint* words, float* y" + (values ? ", nint inputs" : "") + (asksNext ? ", uint* next" : "") + (groupSize > 0 ? ", float* scales" : "");

    private string Arguments => "words, y" + (values ? ", inputs" : "") + (asksNext ? ", next" : "") + (groupSize > 0 ? ", scales" : "");

    private int InputStride => values ? CachePage.Positions : block.HeadDim;

    private string Require() => set.Require(KernelFile.Tiles, Suffix, writer =>
    {
        writer.Line(values
            ? $"/// <summary>y[rows × {columns}] += x[rows × inputs] · values of a page, for 1 to {TilePlan.CacheRows} rows.</summary>"
            : $"/// <summary>y[rows × {columns}] = x[rows × {block.HeadDim}] · keys of a page, for 1 to {TilePlan.CacheRows} rows.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
        writer.Open($"private static void {Suffix}(float* x, int rows, {Parameters})");
        writer.Open("switch (rows)");
        for (int rows = TilePlan.CacheRows; rows >= 1; rows--)
        {
            string label = rows == TilePlan.CacheRows ? "default" : $"case {rows}";
            writer.Line($"{label}: {Tile(rows)}(x, {Arguments}); break;");
        }

        writer.Close().Close();
    });

    private string Tile(int rows)
    {
        string name = $"Cache{rows}x{Suffix}";
        bool differs = Ahead(rows, recent: true) != Ahead(rows, recent: false);
        return set.Require(KernelFile.Tiles, name, writer => WriteTile(writer, rows, name, differs ? target.Recent : null));
    }

    private ReadAhead Ahead(int rows, bool recent) => TilePlan.CacheAhead(target.Set, rows, numbers == 1, recent);

    /// <summary>The tile of processors for which <paramref name="guard"/> holds; null: of any.</summary>
    private void WriteTile(SourceWriter writer, int rows, string name, string? guard)
    {
        int width = TilePlan.CacheColumns(target.Set, rows, columns, groupSize > 0);
        int registers = width / target.Lanes;
        writer.Line($"/// <summary>{rows} row{(rows == 1 ? "" : "s")} × {columns} columns{(width == columns ? "" : $", {width} columns at a time")}: {rows * registers} accumulators in registers.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {name}(float* x, {Parameters})");
        if (guard is not null)
        {
            TileWriter.WriteGuard(set, writer, name, $"x, {Arguments}", guard, (own, plain) => WriteTile(own, rows, plain, null));
        }

        foreach (string constant in block.Format.Constants(target))
        {
            writer.Line(constant);
        }

        bool loops = width != columns;
        if (loops)
        {
            writer.Open($"for (int column = 0; column < {columns}; column += {width})");
        }

        for (int row = 0; row < rows; row++)
        {
            for (int register = 0; register < registers; register++)
            {
                writer.Line($"var y{row}_{register} = {(values ? target.Load(Output(row, register)) : $"{target.Floats}.Zero")};");
            }
        }

        writer.Line($"uint* w = words{(loops ? " + column" : "")};");
        ReadAhead ahead = Ahead(rows, recent: guard is not null);
        if (asksNext && ahead.Bytes > 0)
        {
            string walked = $"inputs / {numbers} * {columns}", page = $"(nint)(next - (words + ({walked})))";
            writer.Line($"nint jump = {(loops ? $"column + {width} < {columns} ? {width} - ({walked}) : " : "")}{page};");
        }

        WriteLoops(writer, rows, registers, loops, ahead);
        for (int row = 0; row < rows; row++)
        {
            for (int register = 0; register < registers; register++)
            {
                writer.Line(target.Store($"y{row}_{register}", Output(row, register)));
            }
        }

        if (loops)
        {
            writer.Line($"y += {width};");
            writer.Close();
        }

        writer.Close();
    }

    private string Output(int row, int register)
    {
        int offset = (row * columns) + (register * target.Lanes);
        return offset == 0 ? "y" : $"&y[{offset}]";
    }

    private void WriteLoops(SourceWriter writer, int rows, int registers, bool loops, ReadAhead ahead)
    {
        if (groupSize == 0 || values)
        {
            if (groupSize > 0)
            {
                writer.Line($"float* s = scales{(loops ? $" + (column / {groupSize} * {CachePage.Positions})" : "")};");
            }

            writer.Open($"for (nint k = 0; k < {(values ? "inputs" : Literals.Int(block.HeadDim))}; k += {Turn(rows * registers)})");
            WriteTurn(writer, rows, registers, ahead);
            writer.Close();
            return;
        }

        writer.Open($"for (nint group = 0; group < {block.HeadDim}; group += {groupSize})");
        writer.Line($"float* s = scales + (group * {CachePage.Positions / groupSize}){(loops ? " + column" : "")};");
        for (int register = 0; register < registers; register++)
        {
            writer.Line($"var s{register} = {target.Load(register == 0 ? "s" : $"&s[{register * target.Lanes}]")};");
        }

        string end = block.HeadDim % groupSize == 0 ? $"group + {groupSize}" : $"Math.Min(group + {groupSize}, {block.HeadDim})";
        writer.Open($"for (nint k = group, end = {end}; k < end; k += {Turn(rows * registers)})");
        WriteTurn(writer, rows, registers, ahead);
        writer.Close().Close();
    }

    private int Turn(int accumulators) => TilePlan.InputsPerTurn(4, accumulators, values ? 4 : 8);

    private void WriteTurn(SourceWriter writer, int rows, int registers, ReadAhead ahead)
    {
        int turn = Turn(rows * registers);
        for (int row = 0; row < rows; row++)
        {
            writer.Line($"float* in{row} = &x[{(row == 0 ? "k" : $"k + {row * InputStride}")}];");
        }

        if (asksNext && ahead.Bytes > 0)
        {
            // Backwards, where the next page lies lower: a project that checks arithmetic would take that for an overflow. Where 4 KiB are no whole number of rows, the few lines behind the values are in vain.
            writer.Line($"uint* ahead = unchecked(w + {ahead.Bytes / sizeof(uint)} + (k + {ahead.Bytes / sizeof(uint) * numbers / columns} < inputs ? 0 : jump));");
        }

        for (int input = 0; input < turn; input++)
        {
            for (int row = 0; row < rows; row++)
            {
                if (target.TileLoadInput(row, input) is { } load)
                {
                    writer.Line(load);
                }
            }

            if (input % numbers == 0)
            {
                WriteAhead(writer, ahead, input / numbers * columns, registers);
            }

            for (int register = 0; register < registers; register++)
            {
                int word = input / numbers;
                if (input % numbers == 0)
                {
                    int offset = (word * columns) + (register * target.Lanes);
                    writer.Line($"var w{word}_{register} = {target.Load(offset == 0 ? "w" : $"&w[{offset}]")};");
                }

                string weight = block.Format.Number(target, $"w{word}_{register}", input % numbers) + Scale(writer, input, register);
                writer.Line($"var n{input}_{register} = {weight};");
                for (int row = 0; row < rows; row++)
                {
                    writer.Line($"y{row}_{register} = {target.TileFma(row, input, $"n{input}_{register}", $"y{row}_{register}")};");
                }
            }
        }

        writer.Line($"w += {turn / numbers * columns};");
    }

    /// <summary>Asks for what lies ahead of some registers; at the last values, for the next page.</summary>
    private void WriteAhead(SourceWriter writer, ReadAhead ahead, int offset, int registers)
    {
        if (asksNext && ahead.Bytes > 0)
        {
            PrefetchWriter.WriteLines(writer, target, "ahead", offset, registers * target.Lanes, ahead.Hint);
        }
        else
        {
            PrefetchWriter.WriteAhead(writer, target, ahead, "w", offset, registers);
        }
    }

    /// <summary>Of keys: one for each position, across the lanes, for a group of inputs. Of values: one for an input and a group of columns.</summary>
    private string Scale(SourceWriter writer, int input, int register)
    {
        if (groupSize == 0 || !values)
        {
            return groupSize == 0 ? "" : $" * s{register}";
        }

        int group = register * target.Lanes / groupSize;
        if (register == 0 || register * target.Lanes % groupSize == 0)
        {
            int offset = (group * CachePage.Positions) + input;
            writer.Line($"var s{input}_{group} = {target.Broadcast($"s[{(offset == 0 ? "k" : $"k + {offset}")}]")};");
        }

        return $" * s{input}_{group}";
    }
}
