using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// One page of the online softmax (Milakov and Gimelshein, arXiv 1805.02867): scores become weights e^(s − max), and what was summed under an
/// older maximum is scaled to the new one.
/// </summary>
internal static class SoftmaxWriter
{
    /// <summary>The maximum before any score: finite, so that a page without a visible position leaves everything as it is.</summary>
    public const string Lowest = "-1e30f";

    /// <summary>Requires <c>(scores, first, last, state, sums)</c>: positions first … last of this page are visible, others weigh nothing.</summary>
    public static string Require(KernelSet set, AttentionKernel a) => set.Require(KernelFile.Kernels, a.Name + "Softmax", writer =>
    {
        VectorTarget t = set.Target;
        string exp = LaneMath.Exp(set);
        writer.Line("/// <summary>Scores of a page to weights; the running maximum, the sum in sixteen lanes and the sums of values follow.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {a.Name}Softmax(float* scores, int first, int last, float* state, float* sums)");
        writer.Line($"var highest = {t.Broadcast("state[0]")};");
        writer.Line($"var lower = {t.Vector}.Create(first);");
        writer.Line($"var upper = {t.Vector}.Create(last);");
        writer.Open($"for (int c = 0; c < 64; c += {t.Lanes})");
        writer.Line($"var places = {t.Vector}<int>.Indices + {t.Vector}.Create(c);");
        writer.Line($"var hidden = {t.Vector}.LessThan(places, lower) | {t.Vector}.GreaterThan(places, upper);");
        string scaled = $"{t.Load("scores + c")} * {t.Broadcast(Literals.Float(a.ScoreScale))}";
        if (a.SoftCap is { } cap)
        {
            scaled = $"{LaneMath.Tanh(set)}({scaled} / {t.Broadcast(Literals.Float(cap))}) * {t.Broadcast(Literals.Float(cap))}";
        }

        writer.Line($"var s = {t.Vector}.ConditionalSelect(hidden.AsSingle(), {t.Broadcast("float.NegativeInfinity")}, {scaled});");
        writer.Line($"highest = {t.Vector}.ConditionalSelect({t.Vector}.GreaterThan(s, highest), s, highest);");
        writer.Line(t.Store("s", "scores + c"));
        writer.Close().Line();
        writer.Line($"float maximum = {LaneMath.Max(set, "highest")};");
        writer.Line($"var correction = {exp}({t.Broadcast("state[0] - maximum")});");
        writer.Line("state[0] = maximum;");
        for (int r = 0; r < t.PerSixteen; r++)
        {
            writer.Line($"var sum{r} = {t.Load($"state + {16 + (r * t.Lanes)}")} * correction;");
        }

        writer.Line($"var top = {t.Broadcast("maximum")};");
        writer.Open("for (int c = 0; c < 64; c += 16)");
        for (int r = 0; r < t.PerSixteen; r++)
        {
            string at = r == 0 ? "scores + c" : $"scores + c + {r * t.Lanes}";
            writer.Line($"var e{r} = {exp}({t.Load(at)} - top);");
            writer.Line($"sum{r} += e{r};");
            writer.Line(t.Store($"e{r}", at));
        }

        writer.Close().Line();
        for (int r = 0; r < t.PerSixteen; r++)
        {
            writer.Line(t.Store($"sum{r}", $"state + {16 + (r * t.Lanes)}"));
        }

        writer.Open($"for (int c = 0; c < {a.PaddedHeadDim}; c += {t.Lanes})");
        writer.Line(t.Store($"{t.Load("sums + c")} * correction", "sums + c"));
        writer.Close().Close();
    });
}
