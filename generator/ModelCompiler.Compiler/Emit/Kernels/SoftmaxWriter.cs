using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// One page of the online softmax (Milakov and Gimelshein, arXiv 1805.02867): scores become weights e^(s − max), and what was summed under an
/// older maximum is scaled to the new one. Most pages after the first few bring no new maximum; the factor would be e^0 = 1, and is left out.
/// </summary>
internal static class SoftmaxWriter
{
    /// <summary>The maximum before any score: finite, so that a page without a visible position leaves everything as it is.</summary>
    public const string Lowest = "-1e30f";

    /// <summary>Registers of scores that are handled side by side, on every instruction set: their latencies overlap.</summary>
    private const int Registers = 4;

    /// <summary>Requires <c>(scores, first, last, state, sums)</c>: positions first … last of this page are visible, others weigh nothing.</summary>
    public static string Require(KernelSet set, AttentionKernel a) => set.Require(KernelFile.Kernels, a.Name + "Softmax", writer =>
    {
        VectorTarget t = set.Target;
        string exp = LaneMath.Exp(set);
        bool whole = Registers * t.Lanes == CachePage.Positions;
        writer.Line("/// <summary>Scores of a page to weights; the running maximum, the sum in sixteen lanes and the sums of values follow.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Softmax(float* scores, int first, int last, float* state, float* sums)");
        if (!whole)
        {
            writer.Line($"var highest = {t.Broadcast(Lowest)};");
            writer.Open($"for (int c = 0; c < 64; c += {Registers * t.Lanes})");
        }

        WriteScores(set, writer, a, whole);
        if (!whole)
        {
            writer.Close().Line();
        }

        writer.Line($"float maximum = {LaneMath.Max(set, "highest")};");
        WriteNewMaximum(set, writer, a, exp);
        WriteWeights(writer, t, exp, whole);
        writer.Close();
    });

    private static void WriteScores(KernelSet set, SourceWriter writer, AttentionKernel a, bool whole)
    {
        VectorTarget t = set.Target;
        for (int r = 0; r < Registers; r++)
        {
            string scaled = $"{t.Load(At(t, r, whole))} * {t.Broadcast(Literals.Float(a.ScoreScale))}";
            writer.Line("var s" + r + " = " + (a.SoftCap is not { } cap
                ? scaled
                : $"{LaneMath.Tanh(set)}({scaled} / {t.Broadcast(Literals.Float(cap))}) * {t.Broadcast(Literals.Float(cap))}") + ";");
        }

        writer.Open($"if ({(a.Window is null ? "" : "first > 0 || ")}last < 63)");
        if (a.Window is not null)
        {
            writer.Line($"var lower = {t.Vector}.Create(first);");
        }

        writer.Line($"var upper = {t.Vector}.Create(last);");
        for (int r = 0; r < Registers; r++)
        {
            string begin = whole ? Literals.Int(r * t.Lanes) : r == 0 ? "c" : $"c + {r * t.Lanes}";
            string places = begin == "0" ? $"{t.Vector}<int>.Indices" : $"({t.Vector}<int>.Indices + {t.Vector}.Create({begin}))";
            string hidden = (a.Window is null ? "" : $"{t.Vector}.LessThan({places}, lower) | ") + $"{t.Vector}.GreaterThan({places}, upper)";
            writer.Line($"s{r} = {t.Vector}.ConditionalSelect(({hidden}).AsSingle(), {t.Broadcast("float.NegativeInfinity")}, s{r});");
        }

        writer.Close().Line();
        string Max(string left, string right) => $"{t.Vector}.MaxNative({left}, {right})";
        string most = Max(Max("s0", "s1"), Max("s2", "s3"));
        if (whole)
        {
            writer.Line($"var highest = {most};");
            return;
        }

        writer.Line($"highest = {Max("highest", most)};");
        for (int r = 0; r < Registers; r++)
        {
            writer.Line(t.Store($"s{r}", At(t, r, whole)));
        }
    }

    private static void WriteNewMaximum(KernelSet set, SourceWriter writer, AttentionKernel a, string exp)
    {
        VectorTarget t = set.Target;
        writer.Open("if (maximum > state[0])");
        writer.Line($"var correction = {exp}({t.Broadcast("state[0] - maximum")});");
        writer.Line("state[0] = maximum;");
        writer.Open($"for (int c = 16; c < {AttentionScratch.StateFloats}; c += {t.Lanes})");
        writer.Line(t.Store($"{t.Load("state + c")} * correction", "state + c"));
        writer.Close().Line();
        writer.Open($"for (int c = 0; c < {a.PaddedHeadDim}; c += {t.Lanes})");
        writer.Line(t.Store($"{t.Load("sums + c")} * correction", "sums + c"));
        writer.Close().Close().Line();
    }

    private static void WriteWeights(SourceWriter writer, VectorTarget t, string exp, bool whole)
    {
        writer.Line($"var top = {t.Broadcast("state[0]")};");
        for (int r = 0; r < t.PerSixteen; r++)
        {
            writer.Line($"var sum{r} = {t.Load($"state + {16 + (r * t.Lanes)}")};");
        }

        if (!whole)
        {
            writer.Open($"for (int c = 0; c < 64; c += {Registers * t.Lanes})");
        }

        for (int r = 0; r < Registers; r++)
        {
            writer.Line($"var e{r} = {exp}({(whole ? $"s{r}" : t.Load(At(t, r, whole)))} - top);");
            writer.Line(t.Store($"e{r}", At(t, r, whole)));
        }

        for (int r = 0; r < Registers; r++)
        {
            writer.Line($"sum{r % t.PerSixteen} += e{r};");
        }

        if (!whole)
        {
            writer.Close().Line();
        }

        for (int r = 0; r < t.PerSixteen; r++)
        {
            writer.Line(t.Store($"sum{r}", $"state + {16 + (r * t.Lanes)}"));
        }
    }

    private static string At(VectorTarget t, int register, bool whole)
        => "scores" + (whole ? "" : " + c") + (register == 0 ? "" : $" + {register * t.Lanes}");
}
