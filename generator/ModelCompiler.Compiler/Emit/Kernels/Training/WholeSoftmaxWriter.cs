using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// The softmax of a whole row of scores: weights e^(s − max) in place, 0 where a position is not visible. Its sum runs over sixteen virtual lanes, position p in
/// lane p mod 16, and one fixed tree.
/// </summary>
internal static class WholeSoftmaxWriter
{
    private const string Lowest = "float.NegativeInfinity";

    /// <summary>
    /// Requires <c>float (scores, begin, end, first, last[, bent])</c>, which returns the sum of the weights: positions first … last are visible, those of begin … end − 1 (multiples of 16) are
    /// written. With a soft cap, bent takes tanh(s / cap) where <paramref name="keepsBent"/>.
    /// </summary>
    public static string Require(KernelSet set, string name, double scoreScale, double? softCap, bool keepsBent)
        => set.Require(KernelFile.Kernels, name, writer =>
        {
            VectorTarget t = set.Target;
            bool bends = softCap is not null && keepsBent;
            writer.Line("/// <summary>Scores begin … end − 1 of a row to weights e^(s − max), those outside first … last to 0; returns the sum of the weights.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static float {name}(float* scores, int begin, int end, int first, int last{(bends ? ", float* bent" : "")})");
            for (int i = 0; i < t.PerSixteen; i++)
            {
                writer.Line($"var most{i} = {t.Broadcast(Lowest)};");
            }

            writer.Line($"var lower = {t.Vector}.Create(first);");
            writer.Line($"var upper = {t.Vector}.Create(last);");
            writer.Open("for (int p = begin; p < end; p += 16)");
            for (int i = 0; i < t.PerSixteen; i++)
            {
                string at = At("p", i, t);
                writer.Line($"var s{i} = {t.Load($"scores + {at}")} * {t.Broadcast(Literals.Float(scoreScale))};");
                if (softCap is { } cap)
                {
                    writer.Line($"s{i} = {LaneMath.Tanh(set)}(s{i} / {t.Broadcast(Literals.Float(cap))});");
                    if (bends)
                    {
                        writer.Line(t.Store($"s{i}", $"bent + {at}"));
                    }

                    writer.Line($"s{i} *= {t.Broadcast(Literals.Float(cap))};");
                }
            }

            writer.Open("if (p < first || p + 15 > last)");
            for (int i = 0; i < t.PerSixteen; i++)
            {
                writer.Line($"var place{i} = {t.Vector}<int>.Indices + {t.Vector}.Create({At("p", i, t)});");
                writer.Line($"s{i} = {t.Vector}.ConditionalSelect(({t.Vector}.LessThan(place{i}, lower) | {t.Vector}.GreaterThan(place{i}, upper)).AsSingle(), {t.Broadcast(Lowest)}, s{i});");
            }

            writer.Close().Line();
            for (int i = 0; i < t.PerSixteen; i++)
            {
                writer.Line($"most{i} = {t.Vector}.ConditionalSelect({t.Vector}.GreaterThan(s{i}, most{i}), s{i}, most{i});");
                writer.Line(t.Store($"s{i}", $"scores + {At("p", i, t)}"));
            }

            writer.Close().Line();
            string most = "most0";
            for (int i = 1; i < t.PerSixteen; i++)
            {
                writer.Line($"most0 = {t.Vector}.ConditionalSelect({t.Vector}.GreaterThan(most{i}, most0), most{i}, most0);");
            }

            writer.Line($"var top = {t.Broadcast($"{LaneMath.Max(set, most)}")};");
            string sum = WriteExponentials(writer, set, "scores", "begin", "end");
            writer.Line($"return {sum};");
            writer.Close();
        });

    /// <summary>Writes the loop that makes e^(s − top) of numbers begin … end − 1, which are −∞ where they weigh nothing, and returns C# for their sum.</summary>
    public static string WriteExponentials(SourceWriter writer, KernelSet set, string numbers, string begin, string end)
    {
        VectorTarget t = set.Target;
        string[] sums = [.. Enumerable.Range(0, t.PerSixteen).Select(i => $"sum{i}")];
        foreach (string sum in sums)
        {
            writer.Line($"var {sum} = {t.Floats}.Zero;");
        }

        writer.Open($"for (nint p = {begin}; p < {end}; p += 16)");
        for (int i = 0; i < sums.Length; i++)
        {
            writer.Line($"var e{i} = {LaneMath.Exp(set)}({t.Load($"{numbers} + {At("p", i, t)}")} - top);");
            writer.Line($"{sums[i]} += e{i};");
            writer.Line(t.Store($"e{i}", $"{numbers} + {At("p", i, t)}"));
        }

        writer.Close().Line();
        return LaneMath.Sum(set, sums);
    }

    private static string At(string place, int register, VectorTarget t) => register == 0 ? place : $"{place} + {register * t.Lanes}";
}
