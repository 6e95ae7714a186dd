using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// The gradients of attention. Items are those of <see cref="TrainingAttentionWriter"/>. Query head by query head, 64 rows at a time: scores and
/// weights p are computed again; dp = dy · vᵀ; ds = p · (dp − Σ p · dp) · scale (· the soft cap's slope); dq = ds · k; then the outer tiles add pᵀ · dy to dv and dsᵀ · q to dk, which lie in
/// the worker's scratch until all rows of all query heads are added.
/// </summary>
internal static class AttentionGradientWriter
{
    public const string Parameters = "Worker w, float* q, float* k, float* v, float* dy, float* dq, float* dk, float* dv";

    public static void Write(KernelSet set, SourceWriter writer, AttentionGradientKernel a)
    {
        int queries = a.Heads / a.KvHeads * a.HeadStride;
        string Place(string name, int stride, int head) => $"{name} + (row * {stride}) + (head * {head})";
        TrainingAttentionWriter.WriteClaims(writer, a.Name, Parameters, a.KvHeads, $"{Sequence(set, a)}(w, {Place("q", a.QueryStride, queries)}, {Place("k", a.KeyStride, a.HeadStride)}, "
            + $"{Place("v", a.ValueStride, a.HeadStride)}, {Place("dy", a.GradientStride, queries)}, {Place("dq", a.QueryGradientStride, queries)}, "
            + $"{Place("dk", a.KeyGradientStride, a.HeadStride)}, {Place("dv", a.ValueGradientStride, a.HeadStride)}, slice->Rows);");
    }

    private static string Sequence(KernelSet set, AttentionGradientKernel a) => set.Require(KernelFile.Kernels, a.Name + "Sequence", writer =>
    {
        int head = a.HeadStride, group = a.Heads / a.KvHeads;
        string rows = Rows(set, a), transpose = TransposeWriter.RequirePadded(set);
        writer.Line("/// <summary>One key/value head in one sequence.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Sequence({Parameters}, int rows)");
        writer.Line($"nint size = (nint)((rows + 63) & ~63) * {head};");
        writer.Line($"float* keys = w.LocalRows - {TrainingAttentionPlan.GradientFloats}; // one scratch: LocalRows lies behind Local");
        writer.Line("float* turnedKeys = keys + size, turnedValues = turnedKeys + size, keySums = turnedValues + size, valueSums = keySums + size;");
        writer.Line($"{TrainingAttentionWriter.CopyPadded(set, head)}(k, {a.KeyStride}, rows, keys);");
        writer.Line($"{transpose}(k, {a.KeyStride}, rows, {head}, turnedKeys);");
        writer.Line($"{transpose}(v, {a.ValueStride}, rows, {head}, turnedValues);");
        writer.Line("new Span<float>(keySums, (int)size * 2).Clear();");
        writer.Open($"for (nint h = 0; h < {group}; h++)");
        writer.Open($"for (int row = 0; row < rows; row += {TrainingAttentionPlan.PageRows})");
        writer.Line($"{rows}(q + ((nint)row * {a.QueryStride}) + (h * {head}), keys, dy + ((nint)row * {a.GradientStride}) + (h * {head}), "
            + $"dq + ((nint)row * {a.QueryGradientStride}) + (h * {head}), row, Math.Min({TrainingAttentionPlan.PageRows}, rows - row), size);");
        writer.Close().Close().Line();
        WriteSums(writer, set.Target, head, "keySums", "dk", a.KeyGradientStride);
        WriteSums(writer, set.Target, head, "valueSums", "dv", a.ValueGradientStride);
        writer.Close();
    });

    private static void WriteSums(SourceWriter writer, VectorTarget t, int head, string sums, string target, int stride)
    {
        writer.Open("for (nint row = 0; row < rows; row++)");
        writer.Open($"for (nint c = 0; c < {head}; c += {t.Lanes})");
        writer.Line(t.Store(t.Load($"{sums} + (row * {head}) + c"), $"{target} + (row * {stride}) + c"));
        writer.Close().Close();
    }

    /// <summary>Requires the method that takes a block of rows of one query head over the positions that it sees.</summary>
    private static string Rows(KernelSet set, AttentionGradientKernel a) => set.Require(KernelFile.Kernels, a.Name + "Rows", writer =>
    {
        int head = a.HeadStride, tile = TilePlan.Rows(set.Target.Set, F32Format.Instance);
        string softmax = WholeSoftmaxWriter.Require(set, a.Name + "Softmax", a.ScoreScale, a.SoftCap, true);
        string slopes = Slopes(set, a);
        writer.Line($"/// <summary>Up to {TrainingAttentionPlan.PageRows} rows of one query head, the first at position row.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Rows(float* q, float* keys, float* dy, float* dq, int row, int rows, nint size)");
        writer.Line("float* turnedKeys = keys + size, turnedValues = turnedKeys + size, keySums = turnedValues + size, valueSums = keySums + size, weights = valueSums + size;");
        writer.Line($"nint stride = (size / {head}) + {TrainingAttentionPlan.ScorePad};");
        writer.Line($"float* slopes = weights + ({TrainingAttentionPlan.PageRows} * stride);");
        if (a.SoftCap is not null)
        {
            writer.Line($"float* bent = slopes + ({TrainingAttentionPlan.PageRows} * stride);");
        }

        writer.Line($"int begin = {TrainingAttentionWriter.Begin(a.Window)};");
        writer.Open($"for (int first = 0; first < rows; first += {tile})");
        writer.Line($"int count = Math.Min({tile}, rows - first);");
        writer.Line("float* p = weights + (first * stride), ds = slopes + (first * stride);");
        int columns = TrainingAttentionPlan.PageColumns;
        writer.Line($"int end = Math.Min((row + first + count + {tile - 1 + columns - 1}) & ~{columns - 1}, row + {TrainingAttentionPlan.PageRows}); // outer tiles read {tile - 1} positions beyond a row's own");
        TrainingAttentionWriter.WritePages(writer, set, head, "end", scores =>
        [
            $"{scores}(q + ((nint)first * {a.QueryStride}), {a.QueryStride}, count, turnedKeys + ((nint)page * {head}), p + page, stride); // scores = q · kᵀ",
            $"{scores}(dy + ((nint)first * {a.GradientStride}), {a.GradientStride}, count, turnedValues + ((nint)page * {head}), ds + page, stride); // dp = dy · vᵀ",
        ]);
        writer.Open("for (int i = 0; i < count; i++)");
        writer.Line("int own = row + first + i;");
        string bent = a.SoftCap is null ? "" : ", bent";
        writer.Line($"float sum = {softmax}(p + (i * stride), begin, end, {TrainingAttentionWriter.First(a.Window, "own")}, own{bent});");
        writer.Line($"{slopes}(p + (i * stride), ds + (i * stride), 1f / sum, begin, end{bent});");
        writer.Close().Line();
        writer.Line("nint inputs = ((row + first + count + 3) & ~3) - begin; // ds beyond the last visible position is zero");
        TrainingAttentionWriter.WriteColumns(
            writer, set, head, false, "ds + begin", "stride", "count", $"keys + ((nint)begin * {head})", $"dq + ((nint)first * {a.QueryGradientStride})", a.QueryGradientStride, "inputs");
        writer.Close().Line();
        WriteOuter(writer, set, a, tile, "weights", "dy", a.GradientStride, "valueSums");
        WriteOuter(writer, set, a, tile, "slopes", "q", a.QueryStride, "keySums");
        writer.Close();
    });

    /// <summary>sums[positions × head] += scoresᵀ · rows, up to the last position that the last row sees.</summary>
    private static void WriteOuter(SourceWriter writer, KernelSet set, AttentionGradientKernel a, int tile, string scores, string rows, int stride, string sums)
    {
        writer.Open($"for (int position = begin; position < row + rows; position += {tile})");
        writer.Line($"int count = Math.Min({tile}, row + rows - position), first = Math.Max(position - row, 0); // earlier rows do not see these positions");
        for (int column = 0; column < a.HeadStride; column += 64)
        {
            string outer = OuterTileWriter.Require(set, new OuterProduct(Math.Min(64, a.HeadStride - column), stride, a.HeadStride));
            string at = column == 0 ? "" : $" + {column}";
            writer.Line($"{outer}({scores} + (first * stride) + position, stride, count, {rows} + ((nint)first * {stride}){at}, {sums} + ((nint)position * {a.HeadStride}){at}, rows - first);");
        }

        writer.Close().Line();
    }

    /// <summary>Requires <c>(p, ds, factor, begin, end[, bent])</c>: weights p times factor; of dp in ds, p · (dp − Σ p · dp) · scale.</summary>
    private static string Slopes(KernelSet set, AttentionGradientKernel a) => set.Require(KernelFile.Kernels, a.Name + "Slopes", writer =>
    {
        VectorTarget t = set.Target;
        string[] sums = [.. Enumerable.Range(0, t.PerSixteen).Select(i => $"sum{i}")];
        string At(int register) => register == 0 ? "c" : $"c + {register * t.Lanes}";
        writer.Line("/// <summary>p ← p · factor, ds ← p · (ds − Σ p · ds) · scale: the gradient of a row of scores.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Slopes(float* p, float* ds, float factor, nint begin, nint end{(a.SoftCap is null ? "" : ", float* bent")})");
        writer.Line($"var normal = {t.Broadcast("factor")};");
        foreach (string sum in sums)
        {
            writer.Line($"var {sum} = {t.Floats}.Zero;");
        }

        writer.Open("for (nint c = begin; c < end; c += 16)");
        for (int i = 0; i < sums.Length; i++)
        {
            writer.Line($"var p{i} = {t.Load($"p + {At(i)}")} * normal;");
            writer.Line($"{sums[i]} = {t.Fma($"p{i}", t.Load($"ds + {At(i)}"), sums[i])};");
            writer.Line(t.Store($"p{i}", $"p + {At(i)}"));
        }

        writer.Close().Line();
        writer.Line($"var mean = {t.Broadcast(LaneMath.Sum(set, sums))};");
        writer.Line($"var scale = {t.Broadcast(Literals.Float(a.ScoreScale))};");
        writer.Open($"for (nint c = begin; c < end; c += {t.Lanes})");
        writer.Line($"var slope = {t.Load("p + c")} * ({t.Load("ds + c")} - mean) * scale;");
        if (a.SoftCap is not null)
        {
            writer.Line($"var b = {t.Load("bent + c")};");
            writer.Line($"slope *= {t.Fma("-b", "b", $"{t.Floats}.One")};");
        }

        writer.Line(t.Store("slope", "ds + c"));
        writer.Close().Close();
    });
}
