using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// Queries of one key/value head pass over its pages, from the first visible position, with an online softmax. Pages begin at fixed
/// absolute positions, so that a sum never depends on how a prompt was cut. One position (decode) reads a page as it lies; a block of positions
/// takes it apart first, and its products are those of projections. Both have the same bits.
/// </summary>
internal static class AttendWriter
{
    /// <summary>Requires <c>(w, pages, offset, queries, position, output)</c>: the queries of one position, side by side.</summary>
    public static string OnePosition(KernelSet set, AttentionKernel a) => set.Require(KernelFile.Kernels, a.Name + "Position", writer =>
    {
        bool scaled = a.Block.Groups > 0, asksNext = CacheTileWriter.AsksNext(set.Target, a.Block);
        string softmax = SoftmaxWriter.Require(set, a);
        string scores = CacheTileWriter.Scores(set, a.Block), values = CacheTileWriter.Values(set, a.Block);
        writer.Line($"/// <summary>The {a.Group} quer{(a.Group == 1 ? "y" : "ies")} of one key/value head at one position.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Position(Worker w, byte** pages, nint offset, float* queries, int position, float* output)");
        WriteScratch(writer, a, scaled);
        WriteBegin(writer, a, "sums", "state", Literals.Int(a.Group));
        writer.Open($"for (int p = {FirstPage(a)}; p <= position / 64; p++)");
        writer.Line("byte* block = pages[p] + offset;");
        if (scaled)
        {
            writer.Line($"{CacheUnpackWriter.Scales(set, a.Block)}((uint*)(block + {a.Block.ScalesOffsetBytes}), scales);");
        }

        WriteScores(writer, a, scores, scaled);
        writer.Line("int own = position - (p * 64);");
        WriteSoftmax(writer, a, softmax, "scores", "state", "sums", Literals.Int(a.Group), "own");
        if (asksNext)
        {
            writer.Line("// Behind the last page a worker mostly goes on with the next head, from its first page on.");
            writer.Line($"byte* next = p < position / 64 ? pages[p + 1] + offset : pages[{FirstPage(a)}] + offset + {a.Block.LengthBytes};");
        }

        writer.Line("nint inputs = (Math.Min(own, 63) + 4) & ~3; // weights beyond the last visible position are zero");
        Tiles(writer, a, $"{values}(scores{Row(a, CachePage.Positions)}, {Count(a)}, (uint*)(block + {a.Block.ValuesOffsetBytes}), sums{Row(a, a.PaddedHeadDim)}, inputs{(asksNext ? $", (uint*){Next(a)}" : "")}{(scaled ? $", scales + {a.Scratch.ValueScales}" : "")}); // sums += weights · v");
        writer.Close().Line();
        WriteEnd(writer, set, a, "sums", "state", Literals.Int(a.Group), "output", a.PaddedHeadDim);
        writer.Close();
    });

    /// <summary>Requires <c>(w, pages, offset, queries, rows, position, output)</c>: row i stands at position + i.</summary>
    public static string Block(KernelSet set, AttentionKernel a) => set.Require(KernelFile.Kernels, a.Name + "Block", writer =>
    {
        int head = a.PaddedHeadDim, tile = TilePlan.Rows(set.Target.Set, F32Format.Instance);
        string softmax = SoftmaxWriter.Require(set, a);
        string scores = TileWriter.Require(set, new Product(F32Format.Instance, head, CachePage.Positions, CachePage.Positions, false));
        writer.Line($"/// <summary>Up to {a.Scratch.Positions} positions with {a.Group} quer{(a.Group == 1 ? "y" : "ies")} each over one key/value head: row i stands at position + i.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Block(Worker w, byte** pages, nint offset, float* queries, int rows, int position, float* output)");
        WriteScratch(writer, a, a.Block.Groups > 0);
        WriteBegin(writer, a, "sums", "state", a.Group == 1 ? "rows" : $"rows * {a.Group}");
        writer.Open($"for (int p = {FirstPage(a)}; p <= (position + rows - 1) / 64; p++)");
        WritePage(writer, set, a);
        writer.Line($"int begin = Math.Max(0, (p * 64) - position) / {tile} * {tile}; // rows before it stand before this page");
        writer.Open($"for (int h = 0; h < {a.Group}; h++)");
        writer.Open($"for (int row = begin; row < rows; row += {tile})");
        writer.Line($"int count = Math.Min({tile}, rows - row), place = (h * rows) + row, own = position + row - (p * 64);");
        writer.Line($"float* weights = scores + (place * 64);");
        writer.Line($"float* sum = sums + (place * {head});");
        writer.Line($"{scores}(queries + (row * (nint){a.QueryStride}) + (h * {head}), {a.QueryStride}, count, keys, weights, 64); // scores = q · kᵀ");
        WriteSoftmax(writer, a, softmax, "weights", $"state + (place * {AttentionScratch.StateFloats})", "sum", "count", "own + i");
        writer.Line("nint inputs = (Math.Min(own + count - 1, 63) + 4) & ~3; // weights beyond the last visible position are zero");
        for (int column = 0; column < head; column += 64)
        {
            string product = TileWriter.Require(set, new Product(F32Format.Instance, null, Math.Min(64, head - column), head, true));
            string at = column == 0 ? "" : $" + {column}";
            writer.Line($"{product}(weights, 64, count, values{at}, sum{at}, {head}, inputs); // sums += weights · v");
        }

        writer.Close().Close().Close().Line();
        writer.Open($"for (int h = 0; h < {a.Group}; h++)");
        WriteEnd(writer, set, a, $"sums + (h * rows * {head})", $"state + (h * rows * {AttentionScratch.StateFloats})", "rows", $"output + (h * {head})", a.OutStride);
        writer.Close().Close();
    });

    /// <summary>The scores of one position's queries with a page: variables queries, block, scores and, where scaled, scales.</summary>
    public static void WriteScores(SourceWriter writer, AttentionKernel a, string tile, bool scaled)
        => Tiles(writer, a, $"{tile}(queries{Row(a, a.PaddedHeadDim)}, {Count(a)}, (uint*)block, scores{Row(a, CachePage.Positions)}{(scaled ? ", scales" : "")}); // scores = q · kᵀ");

    /// <summary>The text of the first page that a position sees.</summary>
    public static string FirstPage(AttentionKernel a) => a.Window is { } window ? $"Math.Max(0, position - {window - 1}) / 64" : "0";

    private static void WriteScratch(SourceWriter writer, AttentionKernel a, bool scaled)
    {
        writer.Line($"float* scores = w.Local + {a.Scratch.Scores};");
        writer.Line($"float* sums = w.Local + {a.Scratch.Sums};");
        writer.Line($"float* state = w.Local + {a.Scratch.States};");
        if (scaled)
        {
            writer.Line($"float* scales = w.Local + {a.Scratch.Scales};");
        }
    }

    /// <summary>The keys and values of page p as floats: in the page, or taken apart beside it.</summary>
    private static void WritePage(SourceWriter writer, KernelSet set, AttentionKernel a)
    {
        writer.Line("byte* block = pages[p] + offset;");
        if (a.Block.Format.NumbersPerWord == 1)
        {
            writer.Line("float* keys = (float*)block;");
        }
        else
        {
            writer.Line($"float* keys = w.Local + {a.Scratch.Page};");
            if (a.Block.Groups > 0)
            {
                writer.Line($"{CacheUnpackWriter.Scales(set, a.Block)}((uint*)(block + {a.Block.ScalesOffsetBytes}), scales);");
            }

            writer.Line($"{CacheUnpackWriter.Page(set, a.Block)}(block, keys{(a.Block.Groups > 0 ? ", scales" : "")});");
        }

        writer.Line($"float* values = keys + {CachePage.Positions * a.PaddedHeadDim};");
    }

    private static void WriteBegin(SourceWriter writer, AttentionKernel a, string sums, string state, string rows)
    {
        writer.Line($"new Span<float>({sums}, {Times(rows, a.PaddedHeadDim)}).Clear();");
        writer.Line($"new Span<float>({state}, {Times(rows, AttentionScratch.StateFloats)}).Clear();");
        writer.Open($"for (int i = 0; i < {rows}; i++)");
        writer.Line($"{state}[i * {AttentionScratch.StateFloats}] = {SoftmaxWriter.Lowest};");
        writer.Close().Line();
    }

    private static string Times(string rows, int floats) => rows.Contains(' ') ? $"({rows}) * {floats}" : $"{rows} * {floats}";

    private static void WriteSoftmax(SourceWriter writer, AttentionKernel a, string softmax, string scores, string state, string sums, string rows, string own)
    {
        string first = a.Window is { } window ? $"{own} - {window - 1}" : "0";
        string call(string row) => $"{softmax}({scores}{At(row, 64)}, {first}, {own}, {state}{At(row, AttentionScratch.StateFloats)}, {sums}{At(row, a.PaddedHeadDim)});";
        if (rows == "1")
        {
            writer.Line(call(""));
            return;
        }

        writer.Open($"for (int i = 0; i < {rows}; i++)").Line(call("i")).Close();

        static string At(string row, int stride) => row.Length == 0 ? "" : $" + ({row} * {stride})";
    }

    /// <summary>y = sums / Σ weights, row by row.</summary>
    private static void WriteEnd(SourceWriter writer, KernelSet set, AttentionKernel a, string sums, string state, string rows, string output, int outStride)
    {
        VectorTarget t = set.Target;
        string[] lanes = [.. Enumerable.Range(0, t.PerSixteen).Select(r => t.Load($"{state} + (i * {AttentionScratch.StateFloats}) + {16 + (r * t.Lanes)}"))];
        writer.Open($"for (nint i = 0; i < {rows}; i++)");
        writer.Line($"var scale = {t.Broadcast($"1f / {LaneMath.Sum(set, lanes)}")};");
        writer.Open($"for (nint c = 0; c < {a.PaddedHeadDim}; c += {t.Lanes})");
        writer.Line("// + 0: a zero has one sign, however many masked positions were passed");
        writer.Line(t.Store(t.Fma(t.Load($"{sums} + (i * {a.PaddedHeadDim}) + c"), "scale", $"{t.Floats}.Zero"), $"{output} + (i * {outStride}) + c"));
        writer.Close().Close();
    }

    /// <summary>Group after group of as many rows as a tile of the cache has; without a loop where one is enough.</summary>
    private static void Tiles(SourceWriter writer, AttentionKernel a, string call)
    {
        if (a.Group <= TilePlan.CacheRows)
        {
            writer.Line(call);
            return;
        }

        writer.Open($"for (int row = 0; row < {a.Group}; row += {TilePlan.CacheRows})").Line(call).Close();
    }

    /// <summary>What is read behind the values: these once more by further queries, then the next page.</summary>
    private static string Next(AttentionKernel a)
        => a.Group <= TilePlan.CacheRows ? "next" : $"(row + {TilePlan.CacheRows} < {a.Group} ? block + {a.Block.ValuesOffsetBytes} : next)";

    private static string Row(AttentionKernel a, int stride) => a.Group <= TilePlan.CacheRows ? "" : $" + (row * {stride})";

    private static string Count(AttentionKernel a)
        => a.Group <= TilePlan.CacheRows ? Literals.Int(a.Group) : a.Group % TilePlan.CacheRows == 0 ? Literals.Int(TilePlan.CacheRows) : $"Math.Min({TilePlan.CacheRows}, {a.Group} - row)";
}
