using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// Attention over the paged cache: prepares q and k, stores k (transposed) and v, sixteen positions together where they lie in one page, then lets queries pass over the pages
/// (<see cref="AttendWriter"/>): all queries that share a key/value head together, so that they share one pass over its cache.
/// </summary>
internal static class AttentionWriter
{
    public static string Parameters(AttentionKernel kernel)
        => "Worker w, float* q, float* k, float* v, float* y, nint page" + GainParameters(kernel);

    private static string GainParameters(AttentionKernel kernel)
        => (kernel.QueryNorm is { HasWeight: true } ? ", float* queryGain" : "") + (kernel.KeyNorm is { HasWeight: true } ? ", float* keyGain" : "");

    public static void Write(KernelSet set, SourceWriter writer, AttentionKernel a)
    {
        string? prepare = AttentionPrepareWriter.Require(set, a, GainParameters(a));
        string store = CacheStoreWriter.Require(set, a.Block);
        string one = AttendWriter.OnePosition(set, a);
        string many = AttendWriter.Block(set, a);
        string gains = GainParameters(a).Replace("float* ", "");
        int queries = a.Group * a.PaddedHeadDim;
        string block = $"page + (head * (nint){a.Block.LengthBytes})";
        string codes = $"(uint*)(w.Local + {a.Scratch.Scores})";
        string key = $"k + (row * {a.KeyStride}) + (head * {a.PaddedHeadDim})", value = $"v + (row * {a.ValueStride}) + (head * {a.PaddedHeadDim})";
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {a.Name}({Parameters(a)})");
        writer.Open("if (w.SingleRows)");
        writer.Line("// One row for each sequence: who attends with a head also prepares and stores it, so that nobody waits.");
        writer.Open($"while (w.Next(w.SliceCount * {a.KvHeads}, 1, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        writer.Line($"SequenceSlice* slice = w.Slices + (item / {a.KvHeads});");
        writer.Line($"int head = item % {a.KvHeads};");
        writer.Line("nint row = slice->FirstRow;");
        writer.Line($"float* queries = q + (row * {a.QueryStride}) + (head * {queries});");
        if (prepare is not null)
        {
            writer.Line($"{prepare}(w, queries, {key}, slice->Position{gains});");
        }

        writer.Line($"{store}({key}, {value}, slice->Pages[slice->Position / {CachePage.Positions}] + {block}, slice->Position % {CachePage.Positions}, {codes});");
        writer.Line($"{one}(w, slice->Pages, {block}, queries, slice->Position, y + (row * {a.OutStride}) + (head * {queries}));");
        writer.Close().Close().Line();
        writer.Line("return;").Close().Line();

        writer.Open($"while (w.Next(w.Rows, {RowGrain.CacheStore}, out int first, out int last))");
        writer.Open($"for (int head = 0; head < {a.KvHeads}; head++)");
        if (prepare is not null)
        {
            writer.Open("for (nint row = first; row < last; row++)");
            writer.Line($"{prepare}(w, q + (row * {a.QueryStride}) + (head * {queries}), {key}, w.Positions[row]{gains});");
            writer.Close().Line();
        }

        writer.Open("for (nint row = first; row < last;)");
        writer.Line("SequenceSlice* slice = w.SliceOf((int)row);");
        writer.Line("int rows = Math.Min(last, slice->FirstRow + slice->Rows) - (int)row;");
        writer.Line($"row += {CacheStoreWriter.Rows(set, a.Block)}({key}, {a.KeyStride}, {value}, {a.ValueStride}, slice->Pages, {block}, w.Positions[row], rows, {codes});");
        writer.Close().Close().Close().Line();
        writer.Line("w.Barrier(); // a query sees the keys of rows before it, whoever prepared them").Line();

        writer.Line("// Head after head, so that its part of the cache stays near while blocks of rows pass over it; the last block of a sequence sees most, and comes first.");
        writer.Open($"while (w.Next(w.BlockCount * {a.KvHeads}, 1, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        writer.Line("int head = item / w.BlockCount;");
        writer.Line("RowBlock* rows = w.Blocks + (w.BlockCount - 1 - (item % w.BlockCount));");
        writer.Line("nint row = rows->FirstRow;");
        writer.Line($"float* queries = q + (row * {a.QueryStride}) + (head * {queries});");
        writer.Line($"float* output = y + (row * {a.OutStride}) + (head * {queries});");
        writer.Open("if (rows->Rows == 1)").Line($"{one}(w, rows->Pages, {block}, queries, rows->Position, output);").Close();
        writer.Open("else").Line($"{many}(w, rows->Pages, {block}, queries, rows->Rows, rows->Position, output);").Close();
        writer.Close().Close().Close();
    }
}
