using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// exp, tanh and erf as polynomials in IEEE operations, element by element, and sums over sixteen lanes by one fixed tree: the same bits on every
/// instruction set.
/// </summary>
internal static class LaneMath
{
    /// <summary>
    /// The text of the sum of sixteen virtual lanes held in <paramref name="registers"/> (1, 2 or 4 names): lane i + lane i + 8, then + 4, then + 2, then + 1.
    /// </summary>
    public static string Sum(KernelSet set, params string[] registers)
    {
        string name = set.Require(KernelFile.Math, "SumOfLanes", writer =>
        {
            VectorTarget target = set.Target;
            string parameters = string.Join(", ", Enumerable.Range(0, target.PerSixteen).Select(i => $"{target.Floats} v{i}"));
            writer.Line("/// <summary>Sum of sixteen lanes: i + (i + 8), then i + (i + 4), then i + (i + 2), then the last two.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static float SumOfLanes({parameters})");
            switch (target.PerSixteen)
            {
                case 1:
                    writer.Line("var eight = v0.GetLower() + v0.GetUpper();");
                    writer.Line("var four = eight.GetLower() + eight.GetUpper();");
                    break;
                case 2:
                    writer.Line("var eight = v0 + v1;");
                    writer.Line("var four = eight.GetLower() + eight.GetUpper();");
                    break;
                default:
                    writer.Line("var four = (v0 + v2) + (v1 + v3);");
                    break;
            }

            writer.Line("return (four.GetElement(0) + four.GetElement(2)) + (four.GetElement(1) + four.GetElement(3));");
            writer.Close();
        });
        return $"{name}({string.Join(", ", registers)})";
    }

    /// <summary>The text of the largest lane of a register.</summary>
    public static string Max(KernelSet set, string register)
    {
        string name = set.Require(KernelFile.Math, "MaxOfLanes", writer =>
        {
            VectorTarget target = set.Target;
            writer.Line("/// <summary>The largest lane. The order does not matter: no rounding.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static float MaxOfLanes({target.Floats} v)");
            string last = "v";
            for (int lanes = target.Lanes / 2; lanes >= 4; lanes /= 2)
            {
                string half = $"v{lanes}", vector = $"Vector{lanes * 32}";
                writer.Line($"var {half} = {vector}.ConditionalSelect({vector}.GreaterThan({last}.GetLower(), {last}.GetUpper()), {last}.GetLower(), {last}.GetUpper());");
                last = half;
            }

            writer.Line($"float a = Math.Max({last}.GetElement(0), {last}.GetElement(1)), b = Math.Max({last}.GetElement(2), {last}.GetElement(3));");
            writer.Line("return Math.Max(a, b);");
            writer.Close();
        });
        return $"{name}({register})";
    }

    /// <summary>The text of the largest lane of a register of uint.</summary>
    public static string MaxOfIntegers(KernelSet set, string register)
    {
        string name = set.Require(KernelFile.Math, "MaxOfIntegers", writer =>
        {
            VectorTarget target = set.Target;
            writer.Line("/// <summary>The largest lane.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static uint MaxOfIntegers({target.Vector}<uint> v)");
            string last = "v";
            for (int lanes = target.Lanes / 2; lanes >= 4; lanes /= 2)
            {
                writer.Line($"var v{lanes} = Vector{lanes * 32}.Max({last}.GetLower(), {last}.GetUpper());");
                last = $"v{lanes}";
            }

            writer.Line($"return Math.Max(Math.Max({last}.GetElement(0), {last}.GetElement(1)), Math.Max({last}.GetElement(2), {last}.GetElement(3)));");
            writer.Close();
        });
        return $"{name}({register})";
    }

    /// <summary>e^x: relative error below 2e-7; 0 below −87, bounded above at e^88.</summary>
    public static string Exp(KernelSet set) => set.Require(KernelFile.Math, "Exp", writer =>
    {
        VectorTarget t = set.Target;
        string Constant(string value) => t.Broadcast(value);
        writer.Line("/// <summary>e^x by x = n·ln 2 + r and a polynomial in r (after Cephes' expf): relative error below 2e-7. 0 below −87; e^88 above 88.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
        writer.Open($"private static {t.Floats} Exp({t.Floats} x)");
        writer.Line($"var bounded = {t.Vector}.ConditionalSelect({t.Vector}.GreaterThan(x, {Constant("88f")}), {Constant("88f")}, x);");
        writer.Line($"var shifted = {t.Fma("bounded", Constant("1.44269504f"), Constant("12582912f"))}; // rounds to an integer n, in the low bits");
        writer.Line($"var n = shifted - {Constant("12582912f")};");
        writer.Line($"var r = {t.Fma("n", Constant("-0.693359375f"), "bounded")};");
        writer.Line($"r = {t.Fma("n", Constant("2.12194440e-4f"), "r")};");
        writer.Line($"var p = {Constant("1.9875691500e-4f")};");
        foreach (string coefficient in new[] { "1.3981999507e-3f", "8.3334519073e-3f", "4.1665795894e-2f", "1.6666665459e-1f", "5.0000001201e-1f" })
        {
            writer.Line($"p = {t.Fma("p", "r", Constant(coefficient))};");
        }

        writer.Line($"p = {t.Fma("p", "r * r", "r")} + {t.Floats}.One;");
        writer.Line("var power = (p.AsInt32() + (shifted.AsInt32() << 23)).AsSingle();");
        writer.Line($"return {t.Vector}.ConditionalSelect({t.Vector}.LessThan(x, {Constant("-87f")}), {t.Floats}.Zero, power);");
        writer.Close();
    });

    /// <summary>tanh x: relative error below 4e-7.</summary>
    public static string Tanh(KernelSet set) => set.Require(KernelFile.Math, "Tanh", writer =>
    {
        VectorTarget t = set.Target;
        string exp = Exp(set);
        writer.Line("/// <summary>tanh x: an odd polynomial up to 0.625 (after Cephes' tanhf), 1 − 2 / (e^2|x| + 1) beyond.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
        writer.Open($"private static {t.Floats} Tanh({t.Floats} x)");
        writer.Line($"var size = {t.Vector}.Abs(x);");
        writer.Line("var square = x * x;");
        writer.Line($"var p = {t.Broadcast("-5.70498872745e-3f")};");
        foreach (string coefficient in new[] { "2.06390887954e-2f", "-5.37397155531e-2f", "1.33314422036e-1f", "-3.33332819422e-1f" })
        {
            writer.Line($"p = {t.Fma("p", "square", t.Broadcast(coefficient))};");
        }

        writer.Line($"var small = {t.Fma("p * square", "x", "x")};");
        writer.Line($"var large = {t.Floats}.One - ({t.Broadcast("2f")} / ({exp}(size + size) + {t.Floats}.One));");
        writer.Line($"large = {t.Vector}.ConditionalSelect({t.Vector}.LessThan(x, {t.Floats}.Zero), -large, large);");
        writer.Line($"return {t.Vector}.ConditionalSelect({t.Vector}.LessThan(size, {t.Broadcast("0.625f")}), small, large);");
        writer.Close();
    });

    /// <summary>erf x: absolute error below 2e-7.</summary>
    public static string Erf(KernelSet set) => set.Require(KernelFile.Math, "Erf", writer =>
    {
        VectorTarget t = set.Target;
        writer.Line("/// <summary>erf x on [−4, 4], beyond which it is ±1 in float32: the rational approximation x·P(x²)/Q(x²) that XLA uses.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
        writer.Open($"private static {t.Floats} Erf({t.Floats} x)");
        writer.Line($"var limit = {t.Broadcast("4f")};");
        writer.Line($"x = {t.Vector}.ConditionalSelect({t.Vector}.GreaterThan(x, limit), limit, x);");
        writer.Line($"x = {t.Vector}.ConditionalSelect({t.Vector}.LessThan(x, -limit), -limit, x);");
        writer.Line("var square = x * x;");
        Polynomial("p", ["-2.72614225801306e-10f", "2.77068142495902e-08f", "-2.10102402082508e-06f", "-5.69250639462346e-05f", "-7.34990630326855e-04f", "-2.95459980854025e-03f", "-1.60960333262415e-02f"]);
        Polynomial("q", ["-1.45660718464996e-05f", "-2.13374055278905e-04f", "-1.68282697438203e-03f", "-7.37332916720468e-03f", "-1.42647390514189e-02f"]);
        writer.Line("return x * p / q;");
        writer.Close();

        void Polynomial(string name, string[] coefficients)
        {
            writer.Line($"var {name} = {t.Broadcast(coefficients[0])};");
            foreach (string coefficient in coefficients.Skip(1))
            {
                writer.Line($"{name} = {t.Fma(name, "square", t.Broadcast(coefficient))};");
            }
        }
    });

    /// <summary>ln x of normal x &gt; 0: absolute error below 1e-7 · max(1, |ln x|).</summary>
    public static string Log(KernelSet set) => set.Require(KernelFile.Math, "Log", writer =>
    {
        VectorTarget t = set.Target;
        writer.Line("/// <summary>ln x of normal x &gt; 0: x = m · 2^e, m in [√½, √2), and a polynomial in m − 1 (after Cephes' logf): error below 1e-7 · max(1, |ln x|).</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
        writer.Open($"private static {t.Floats} Log({t.Floats} x)");
        writer.Line($"var exponent = {t.Vector}.ShiftRightArithmetic(x.AsInt32() - {t.Vector}.Create(0x3F3504F3), 23);");
        writer.Line($"var m = (x.AsInt32() - (exponent << 23)).AsSingle() - {t.Floats}.One;");
        writer.Line($"var e = {t.Vector}.ConvertToSingle(exponent);");
        writer.Line("var square = m * m;");
        writer.Line($"var p = {t.Broadcast("7.0376836292e-2f")};");
        foreach (string coefficient in new[] { "-1.1514610310e-1f", "1.1676998740e-1f", "-1.2420140846e-1f", "1.4249322787e-1f", "-1.6668057665e-1f", "2.0000714765e-1f", "-2.4999993993e-1f", "3.3333331174e-1f" })
        {
            writer.Line($"p = {t.Fma("p", "m", t.Broadcast(coefficient))};");
        }

        writer.Line($"p = {t.Fma("p * m", "square", $"e * {t.Broadcast("-2.12194440e-4f")}")};");
        writer.Line($"p = {t.Fma("square", t.Broadcast("-0.5f"), "p")};");
        writer.Line($"return {t.Fma("e", t.Broadcast("0.693359375f"), "m + p")};");
        writer.Close();
    });
}
