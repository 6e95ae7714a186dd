using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// What a traced step runs besides. Attention weights are computed once more for the trace, from the prepared queries and the cached keys, over a
/// whole row at once: the attention itself never has them all, its softmax goes page by page.
/// </summary>
internal static class TapWriter
{
    public static string Parameters(KernelPlan kernel) => kernel switch
    {
        StateTapKernel => "Worker w, float* x, int state",
        InputTapKernel => "Worker w, float* x, int input",
        AttentionTapKernel => "Worker w, float* q, nint page, int layer",
        _ => "Worker w, float* x",
    };

    public static void Write(KernelSet set, SourceWriter writer, KernelPlan kernel)
    {
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        switch (kernel)
        {
            case StateTapKernel tap: WriteRows(writer, $"new Span<float>(x + (row * {tap.InStride}), {tap.Width}).CopyTo(w.Trace!.State(state, (int)row));"); break;
            case InputTapKernel tap: WriteRows(writer, $"w.Trace!.KeepInput(input, (int)row, new ReadOnlySpan<float>(x + (row * {tap.InStride}), {tap.Width}));"); break;
            case GivenStatesKernel given: WriteGiven(writer, given); break;
            case AttentionTapKernel attention: WriteAttention(set, writer, attention.Attention); break;
        }

        writer.Close();
    }

    private static void WriteGiven(SourceWriter writer, GivenStatesKernel given)
    {
        string row = $"x + (row * {given.OutStride})";
        int padding = given.PaddedWidth - given.Width;
        WriteRows(
            writer, $"w.Given!.State(0, (int)row).CopyTo(new Span<float>({row}, {given.Width}));"
            + (padding == 0 ? "" : $"\nnew Span<float>({row} + {given.Width}, {padding}).Clear();"));
    }

    private static void WriteRows(SourceWriter writer, string body)
    {
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (nint row = first; row < last; row++)");
        writer.Line(body);
        writer.Close().Close();
    }

    private static void WriteAttention(KernelSet set, SourceWriter writer, AttentionKernel a)
    {
        string scores = CacheTileWriter.Scores(set, a.Block), probabilities = Probabilities(set, a);
        bool scaled = a.Block.Groups > 0;
        string weights = $"w.Trace!.Attention(layer, (head * {a.Group}) + h, token)";
        writer.Open($"while (w.Next(w.Rows * {a.KvHeads}, 1, out int item, out _))");
        writer.Line($"int token = item / {a.KvHeads}, head = item % {a.KvHeads}, position = w.Positions[token];");
        writer.Line("byte** pages = w.SliceOf(token)->Pages;");
        writer.Line($"float* queries = q + (token * (nint){a.QueryStride}) + (head * {a.Group * a.PaddedHeadDim});");
        writer.Line($"float* scores = w.Local + {a.Scratch.Scores};");
        writer.Open($"for (int p = {AttendWriter.FirstPage(a)}; p <= position / 64; p++)");
        writer.Line($"byte* block = pages[p] + page + (head * (nint){a.Block.LengthBytes});");
        if (scaled)
        {
            writer.Line($"float* scales = w.Local + {a.Scratch.Scales};");
            writer.Line($"{CacheUnpackWriter.Scales(set, a.Block)}((uint*)(block + {a.Block.ScalesOffsetBytes}), scales);");
        }

        AttendWriter.WriteScores(writer, a, scores, scaled);
        writer.Open($"for (int h = 0; h < {a.Group}; h++)");
        writer.Line($"new Span<float>(scores + (h * 64), 64).CopyTo(new Span<float>({weights} + (p * 64), 64));");
        writer.Close().Close().Line();
        writer.Open($"for (int h = 0; h < {a.Group}; h++)");
        writer.Line($"{probabilities}({weights}, {(a.Window is { } window ? $"position - {window - 1}" : "0")}, position);");
        writer.Close().Close();
    }

    /// <summary>Requires <c>(scores, first, last)</c>: weights in place; those before first and behind last, to the next multiple of 16, are zero.</summary>
    private static string Probabilities(KernelSet set, AttentionKernel a) => set.Require(KernelFile.Kernels, a.Name + "Probabilities", writer =>
    {
        VectorTarget t = set.Target;
        string exp = LaneMath.Exp(set);
        writer.Line("/// <summary>Scores of positions first … last to weights that sum to 1.</summary>");
        writer.Open($"private static void {a.Name}Probabilities(float* scores, int first, int last)");
        writer.Line($"var highest = {t.Broadcast(SoftmaxWriter.Lowest)};");
        Loop(writer, t.Lanes, () =>
        {
            string scaledScore = $"{t.Load("scores + c")} * {t.Broadcast(Literals.Float(a.ScoreScale))}";
            writer.Line($"var score = {(a.SoftCap is not { } cap ? scaledScore : $"{LaneMath.Tanh(set)}({scaledScore} / {t.Broadcast(Literals.Float(cap))}) * {t.Broadcast(Literals.Float(cap))}")};");
            writer.Line($"var places = {t.Vector}<int>.Indices + {t.Vector}.Create((int)c);");
            writer.Line($"var hidden = {t.Vector}.LessThan(places, {t.Vector}.Create(first)) | {t.Vector}.GreaterThan(places, {t.Vector}.Create(last));");
            writer.Line($"score = {t.Vector}.ConditionalSelect(hidden.AsSingle(), {t.Broadcast("float.NegativeInfinity")}, score);");
            writer.Line($"highest = {t.Vector}.MaxNative(highest, score);");
            writer.Line(t.Store("score", "scores + c"));
        });
        writer.Line($"var top = {t.Broadcast(LaneMath.Max(set, "highest"))};");
        string[] sums = [.. Enumerable.Range(0, t.PerSixteen).Select(r => $"sum{r}")];
        foreach (string sum in sums)
        {
            writer.Line($"var {sum} = {t.Floats}.Zero;");
        }

        Loop(writer, 16, () =>
        {
            for (int r = 0; r < sums.Length; r++)
            {
                string at = r == 0 ? "scores + c" : $"scores + c + {r * t.Lanes}";
                writer.Line($"var e{r} = {exp}({t.Load(at)} - top);");
                writer.Line(t.Store($"e{r}", at));
                writer.Line($"{sums[r]} += e{r};");
            }
        });
        writer.Line($"var scale = {t.Broadcast($"1f / {LaneMath.Sum(set, sums)}")};");
        Loop(writer, t.Lanes, () => writer.Line(t.Store($"{t.Load("scores + c")} * scale", "scores + c")));
        writer.Close();
    });

    /// <summary>Over all positions up to the last visible one, in whole sixteens.</summary>
    private static void Loop(SourceWriter writer, int step, Action body)
    {
        writer.Open($"for (nint c = 0; c < ((last + 16) & ~15); c += {step})");
        body();
        writer.Close().Line();
    }
}
