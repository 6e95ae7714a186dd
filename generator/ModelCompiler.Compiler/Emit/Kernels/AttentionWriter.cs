using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// Attention over the paged cache: prepares q and k, stores k (transposed) and v, then walks the pages from the first visible position with an
/// online softmax. Scores of a page and its weighted sum of values are the same tile products as a projection.
/// </summary>
internal static class AttentionWriter
{
    public static string Parameters(AttentionKernel kernel)
        => "Worker w, float* q, float* k, float* v, float* y, nint page" + GainParameters(kernel);

    private static string GainParameters(AttentionKernel kernel)
        => (kernel.QueryNorm is { HasWeight: true } ? ", float* queryGain" : "") + (kernel.KeyNorm is { HasWeight: true } ? ", float* keyGain" : "");

    public static void Write(KernelSet set, SourceWriter writer, AttentionKernel a)
    {
        string prepare = AttentionPrepareWriter.Require(set, a, GainParameters(a));
        string attend = Attend(set, a);
        string gains = GainParameters(a).Replace("float* ", "");
        int tile = TilePlan.Rows(set.Target.Set, F32Format.Instance);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {a.Name}({Parameters(a)})");
        writer.Open("if (w.SingleRows)");
        writer.Line("// One row for each sequence: who attends with a head also prepares and stores it, so that nobody waits.");
        writer.Open($"while (w.Next(w.SliceCount * {a.KvHeads}, 1, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        writer.Line($"SequenceSlice* slice = w.Slices + (item / {a.KvHeads});");
        writer.Line($"int head = item % {a.KvHeads};");
        writer.Line("nint row = slice->FirstRow, offset = page + (head * (nint)" + a.PageFloatsPerHead + ");");
        writer.Line($"float* queries = q + (row * {a.QueryStride}) + (head * {a.Group * a.PaddedHeadDim});");
        writer.Line($"{prepare}(w, queries, k + (row * {a.KeyStride}) + (head * {a.PaddedHeadDim}), v + (row * {a.ValueStride}) + (head * {a.PaddedHeadDim}), slice->Pages, slice->Position, offset{gains});");
        writer.Line($"float* output = y + (row * {a.OutStride}) + (head * {a.Group * a.PaddedHeadDim});");
        writer.Open($"for (int h = 0; h < {a.Group}; h += {tile})");
        writer.Line($"{attend}(w, slice->Pages, offset, queries + (h * {a.PaddedHeadDim}), {a.PaddedHeadDim}, Math.Min({tile}, {a.Group} - h), slice->Position, 0, output + (h * {a.PaddedHeadDim}), {a.PaddedHeadDim});");
        writer.Close().Close().Close().Line();
        writer.Line("return;").Close().Line();
        WriteManyRows(writer, a, prepare, attend, gains, tile);
        writer.Close();
    }

    private static void WriteManyRows(SourceWriter writer, AttentionKernel a, string prepare, string attend, string gains, int tile)
    {
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Lookup}, out int first, out int last))");
        writer.Open("for (int row = first; row < last; row++)");
        writer.Line("SequenceSlice* slice = w.SliceOf(row);");
        writer.Open($"for (int head = 0; head < {a.KvHeads}; head++)");
        writer.Line($"{prepare}(w, q + ((nint)row * {a.QueryStride}) + (head * {a.Group * a.PaddedHeadDim}), k + ((nint)row * {a.KeyStride}) + (head * {a.PaddedHeadDim}), v + ((nint)row * {a.ValueStride}) + (head * {a.PaddedHeadDim}), slice->Pages, w.Positions[row], page + (head * (nint){a.PageFloatsPerHead}){gains});");
        writer.Close().Close().Close().Line();
        writer.Line("w.Barrier(); // a query sees the keys of rows before it, whoever prepared them").Line();
        writer.Open($"while (w.Next(w.TilesOf({tile}) * {a.KvHeads}, 1, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        writer.Line($"SequenceSlice* slice = w.LocateTile(item / {a.KvHeads}, {tile}, out int begin, out int count);");
        writer.Line($"int head = item % {a.KvHeads};");
        writer.Line("nint row = slice->FirstRow + begin;");
        writer.Open($"for (int h = head * {a.Group}; h < (head + 1) * {a.Group}; h++)");
        writer.Line($"{attend}(w, slice->Pages, page + (head * (nint){a.PageFloatsPerHead}), q + (row * {a.QueryStride}) + (h * {a.PaddedHeadDim}), {a.QueryStride}, count, slice->Position + begin, 1, y + (row * {a.OutStride}) + (h * {a.PaddedHeadDim}), {a.OutStride});");
        writer.Close().Close().Close();
    }

    /// <summary>
    /// Requires <c>(w, pages, offset, q, qStride, rows, position, step, y, yStride)</c>: rows of queries with one key/value head. Row i is at
    /// position + i · step. Pages begin at fixed absolute positions, so that a sum never depends on how a prompt was cut.
    /// </summary>
    private static string Attend(KernelSet set, AttentionKernel a)
        => set.Require(KernelFile.Kernels, a.Name + "Attend", writer =>
        {
            VectorTarget t = set.Target;
            int head = a.PaddedHeadDim;
            string softmax = SoftmaxWriter.Require(set, a);
            string scoresProduct = TileWriter.Require(set, new Product(F32Format.Instance, head, CachePage.Positions, CachePage.Positions, false));
            writer.Line("/// <summary>Rows of queries over one key/value head: row i stands at position + i · step.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {a.Name}Attend(Worker w, float** pages, nint offset, float* q, nint qStride, int rows, int position, int step, float* y, nint yStride)");
            writer.Line($"float* scores = w.Local + {LocalScratch.Scores};");
            writer.Line($"float* sums = w.Local + {LocalScratch.Sums};");
            writer.Line($"float* state = w.Local + {LocalScratch.States(head)};");
            writer.Open("for (int i = 0; i < rows; i++)");
            writer.Line($"new Span<float>(sums + (i * {head}), {head}).Clear();");
            writer.Line($"new Span<float>(state + (i * {LocalScratch.StateFloats}), {LocalScratch.StateFloats}).Clear();");
            writer.Line($"state[i * {LocalScratch.StateFloats}] = {SoftmaxWriter.Lowest};");
            writer.Close().Line();
            writer.Line("int lastPage = (position + ((rows - 1) * step)) / 64;");
            string firstPage = a.Window is { } w ? $"Math.Max(0, position - {w - 1}) / 64" : "0";
            writer.Open($"for (int p = {firstPage}; p <= lastPage; p++)");
            writer.Line("float* keys = pages[p] + offset;");
            writer.Line($"float* values = keys + {CachePage.Positions * head};");
            writer.Line($"{scoresProduct}(q, qStride, rows, keys, scores, 64); // scores = q · kᵀ");
            writer.Line("int visible = 0;");
            writer.Open("for (int i = 0; i < rows; i++)");
            writer.Line("int own = position + (i * step) - (p * 64);");
            writer.Line($"{softmax}(scores + (i * 64), {(a.Window is { } window ? $"own - {window - 1}" : "0")}, own, state + (i * {LocalScratch.StateFloats}), sums + (i * {head}));");
            writer.Line("visible = Math.Max(visible, Math.Min(own, 63) + 1);");
            writer.Close();
            WriteValueProducts(writer, set, head);
            writer.Close().Line();
            writer.Open("for (int i = 0; i < rows; i++)");
            string[] lanes = [.. Enumerable.Range(0, t.PerSixteen).Select(r => t.Load($"state + (i * {LocalScratch.StateFloats}) + {16 + (r * t.Lanes)}"))];
            writer.Line($"var scale = {t.Broadcast($"1f / {LaneMath.Sum(set, lanes)}")};");
            writer.Open($"for (nint c = 0; c < {head}; c += {t.Lanes})");
            writer.Line("// + 0: a zero has one sign, however many masked positions were passed");
            writer.Line(t.Store(t.Fma(t.Load($"sums + (i * {head}) + c"), "scale", $"{t.Floats}.Zero"), "y + (i * yStride) + c"));
            writer.Close().Close().Close();
        });

    private static void WriteValueProducts(SourceWriter writer, KernelSet set, int head)
    {
        writer.Line("nint inputs = (visible + 3) & ~3; // weights beyond the last visible position are zero");
        for (int column = 0; column < head; column += 64)
        {
            int columns = Math.Min(64, head - column);
            string product = TileWriter.Require(set, new Product(F32Format.Instance, null, columns, head, true));
            string at = column == 0 ? "" : $" + {column}";
            writer.Line($"{product}(scores, 64, rows, values{at}, sums{at}, {head}, inputs); // sums += weights · v");
        }
    }
}
