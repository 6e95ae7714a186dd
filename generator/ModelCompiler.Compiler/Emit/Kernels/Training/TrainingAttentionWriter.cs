using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// Attention within each sequence: a worker claims a key/value head of one, turns its keys into panels of 64 positions, and lets tiles of rows of the heads that share it
/// pass over the pages that they see: scores, softmax of whole rows, sums of values, all with the tiles of projections.
/// </summary>
internal static class TrainingAttentionWriter
{
    public const string Parameters = "Worker w, float* q, float* k, float* v, float* y";

    public static void Write(KernelSet set, SourceWriter writer, TrainingAttentionKernel a)
    {
        int queries = a.Heads / a.KvHeads * a.HeadStride;
        WriteClaims(writer, a.Name, Parameters, a.KvHeads, $"{Sequence(set, a)}(w, q + (row * {a.QueryStride}) + (head * {queries}), k + (row * {a.KeyStride}) + (head * {a.HeadStride}), "
            + $"v + (row * {a.ValueStride}) + (head * {a.HeadStride}), y + (row * {a.OutStride}) + (head * {queries}), slice->Rows);");
    }

    /// <summary>Writes a kernel whose items are sequences × key/value heads; <paramref name="call"/> uses w, slice, row and head.</summary>
    public static void WriteClaims(SourceWriter writer, string name, string parameters, int kvHeads, string call)
    {
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {name}({parameters})");
        writer.Open($"while (w.Next(w.SliceCount * {kvHeads}, 1, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        writer.Line($"SequenceSlice* slice = w.Slices + (item / {kvHeads});");
        writer.Line("nint row = slice->FirstRow;");
        writer.Line($"int head = item % {kvHeads};");
        writer.Line(call);
        writer.Close().Close().Close();
    }

    private static string Sequence(KernelSet set, TrainingAttentionKernel a) => set.Require(KernelFile.Kernels, a.Name + "Sequence", writer =>
    {
        int head = a.HeadStride, group = a.Heads / a.KvHeads, tile = TilePlan.Rows(set.Target.Set, F32Format.Instance);
        string softmax = WholeSoftmaxWriter.Require(set, a.Name + "Softmax", a.ScoreScale, a.SoftCap, false);
        writer.Line($"/// <summary>The {group} quer{(group == 1 ? "y" : "ies")} of one key/value head in one sequence.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Sequence({Parameters}, int rows)");
        writer.Line("int positions = (rows + 63) & ~63;");
        writer.Line($"nint stride = positions + {TrainingAttentionPlan.ScorePad};");
        writer.Line($"float* factors = w.LocalRows - {TrainingAttentionPlan.ForwardFloats}; // one scratch: LocalRows lies behind Local");
        writer.Line($"float* keys = factors + {TrainingAttentionPlan.Factors}; // transposed, page by page");
        writer.Line($"float* values = keys + ((nint)positions * {head});");
        writer.Line($"float* scores = values + ((nint)positions * {head});");
        writer.Line($"{TransposeWriter.RequirePadded(set)}(k, {a.KeyStride}, rows, {head}, keys);");
        writer.Line($"{CopyPadded(set, head)}(v, {a.ValueStride}, rows, values);");
        writer.Open($"for (nint h = 0; h < {group}; h++)");
        writer.Open($"for (int row = 0; row < rows; row += {tile})");
        writer.Line($"int count = Math.Min({tile}, rows - row), end = (row + count + {TrainingAttentionPlan.PageColumns - 1}) & ~{TrainingAttentionPlan.PageColumns - 1}, begin = {Begin(a.Window)};");
        WritePages(writer, set, head, "end", scores => [$"{scores}(q + ((nint)row * {a.QueryStride}) + (h * {head}), {a.QueryStride}, count, keys + ((nint)page * {head}), scores + page, stride); // scores = q · kᵀ"]);
        writer.Open("for (int i = 0; i < count; i++)");
        writer.Line($"factors[i] = 1f / {softmax}(scores + (i * stride), begin, end, {First(a.Window, "row + i")}, row + i);");
        writer.Close().Line();
        writer.Line($"float* output = y + ((nint)row * {a.OutStride}) + (h * {head});");
        writer.Line("nint inputs = ((row + count + 3) & ~3) - begin; // weights beyond the last visible position are zero");
        WriteColumns(writer, set, head, false, "scores + begin", "stride", "count", $"values + ((nint)begin * {head})", "output", a.OutStride, "inputs");
        WriteScale(writer, set.Target, head, a.OutStride);
        writer.Close().Close().Close();
    });

    /// <summary>
    /// Products of a tile of rows with the pages of transposed keys (or values) from position begin to <paramref name="end"/>, a multiple of <see cref="TrainingAttentionPlan.PageColumns"/>;
    /// <paramref name="calls"/> with the name of the product, for the page at <c>page</c>.
    /// </summary>
    public static void WritePages(SourceWriter writer, KernelSet set, int head, string end, Func<string, string[]> calls)
    {
        string Product(int columns) => TileWriter.Require(set, new Product(F32Format.Instance, head, columns, TrainingAttentionPlan.PageRows, false));
        void Write(string product)
        {
            foreach (string call in calls(product))
            {
                writer.Line(call);
            }
        }

        writer.Open($"for (int page = begin; page < {end}; page += {TrainingAttentionPlan.PageRows})");
        writer.Open($"if ({end} - page > {TrainingAttentionPlan.PageColumns})");
        Write(Product(TrainingAttentionPlan.PageRows));
        writer.Close();
        writer.Open("else");
        Write(Product(TrainingAttentionPlan.PageColumns));
        writer.Close().Close().Line();
    }

    /// <summary>y = factor · y, row by row.</summary>
    private static void WriteScale(SourceWriter writer, VectorTarget t, int head, int stride)
    {
        writer.Open("for (nint i = 0; i < count; i++)");
        writer.Line($"var factor = {t.Broadcast("factors[i]")};");
        writer.Open($"for (nint c = 0; c < {head}; c += {t.Lanes})");
        writer.Line(t.Store($"{t.Load($"output + (i * {stride}) + c")} * factor", $"output + (i * {stride}) + c"));
        writer.Close().Close();
    }

    /// <summary>The page where the first position begins that row <c>row</c> sees.</summary>
    public static string Begin(int? window) => window is { } width ? $"Math.Max(0, row - {width - 1}) & ~63" : "0";

    /// <summary>The first position that a row sees.</summary>
    public static string First(int? window, string row) => window is { } width ? $"{row} - {width - 1}" : "0";

    /// <summary>target[rows × head] (+)= x[rows × inputs] · values[inputs × head], 64 columns at a time.</summary>
    public static void WriteColumns(
        SourceWriter writer, KernelSet set, int head, bool accumulates, string x, string xStride, string rows, string values, string target, int targetStride, string inputs)
    {
        for (int column = 0; column < head; column += 64)
        {
            string product = TileWriter.Require(set, new Product(F32Format.Instance, null, Math.Min(64, head - column), head, accumulates));
            string at = column == 0 ? "" : $" + {column}";
            writer.Line($"{product}({x}, {xStride}, {rows}, {values}{at}, {target}{at}, {targetStride}, {inputs});");
        }
    }

    /// <summary>Requires <c>(source, sourceStride, rows, target)</c>: target[rows × head], then rows of zeros up to a multiple of 64.</summary>
    public static string CopyPadded(KernelSet set, int head) => set.Require(KernelFile.Kernels, $"CopyPadded{head}", writer =>
    {
        writer.Line($"/// <summary>{head} columns of some rows, side by side, and rows of zeros up to a multiple of 64.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void CopyPadded{head}(float* source, nint sourceStride, int rows, float* target)");
        writer.Line($"{WeightGradientWriter.Copy(set, head)}(source, sourceStride, rows, target);");
        writer.Line($"new Span<float>(target + ((nint)rows * {head}), (((rows + 63) & ~63) - rows) * {head}).Clear();");
        writer.Close();
    });
}
