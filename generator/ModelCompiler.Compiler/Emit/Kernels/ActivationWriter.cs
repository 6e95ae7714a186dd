using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>The activation functions, element by element.</summary>
internal static class ActivationWriter
{
    /// <summary>The text of f(<paramref name="x"/>) for a register.</summary>
    public static string Apply(KernelSet set, ActivationKind kind, string x)
        => Require(set, kind, "", "", "", f => [.. f.Common, $"return {f.Value};"]) + $"({x})";

    /// <summary>The text of f'(<paramref name="x"/>) for a register. Absolute error below 1e-6, as far as f' was looked at: |x| up to 30.</summary>
    public static string Derivative(KernelSet set, ActivationKind kind, string x)
        => Require(set, kind, "Derivative", "The derivative of ", "", f => [.. f.Common, .. f.Further, $"return {f.Slope};"]) + $"({x})";

    /// <summary>The text of f(<paramref name="x"/>), which makes f' the variable <paramref name="slope"/>: the bits of each, and once what they have in common.</summary>
    public static string ApplyWithDerivative(KernelSet set, ActivationKind kind, string x, string slope)
        => Require(set, kind, "WithDerivative", "And its derivative: ", $", out {set.Target.Floats} slope", f => [.. f.Common, .. f.Further, $"slope = {f.Slope};", $"return {f.Value};"])
            + $"({x}, out var {slope})";

    private static string Require(KernelSet set, ActivationKind kind, string suffix, string what, string further, Func<Terms, IEnumerable<string>> lines)
        => set.Require(KernelFile.Math, kind + suffix, writer =>
        {
            VectorTarget t = set.Target;
            writer.Line($"/// <summary>{what}{Equation(kind)}</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static {t.Floats} {kind}{suffix}({t.Floats} x{further})");
            foreach (string line in lines(Define(set, kind)))
            {
                writer.Line(line);
            }

            writer.Close();
        });

    private static string Equation(ActivationKind kind) => kind switch
    {
        ActivationKind.Silu => "x · sigmoid(x) = x / (1 + e^−x)",
        ActivationKind.GeluTanh => "0.5 x (1 + tanh u) = x / (1 + e^−2u), u = √(2/π) (x + 0.044715 x³): no cancellation for negative x",
        ActivationKind.GeluErf => "0.5 x (1 + erf(x / √2))",
        ActivationKind.QuickGelu => "x · sigmoid(1.702 x)",
        _ => "max(x, 0)",
    };

    private static Terms Define(KernelSet set, ActivationKind kind)
    {
        VectorTarget t = set.Target;
        string one = $"{t.Floats}.One";
        string Divisor(string minus) => $"var divisor = {one} + {LaneMath.Exp(set)}({minus});";
        string Slope(string x) => $"s * {t.Fma(x, $"{one} - s", one)}"; // of x · s
        string sigmoid = $"var s = {one} / divisor;";
        return kind switch
        {
            ActivationKind.Silu => new([Divisor("-x")], "x / divisor", [sigmoid], Slope("x")),
            ActivationKind.GeluTanh => new(
                ["var square = x * x;", Divisor($"{t.Fma("square * x", t.Broadcast("0.044715f"), "x")} * {t.Broadcast("-1.59576912f")}")],
                "x / divisor",
                [sigmoid, $"var slope2u = {t.Fma("square", t.Broadcast("0.214064485f"), t.Broadcast("1.59576912f"))};"],
                Slope("x * slope2u")),
            ActivationKind.GeluErf => new(
                [$"var sum = {one} + {LaneMath.Erf(set)}(x * {t.Broadcast("0.707106781f")});"],
                $"{t.Broadcast("0.5f")} * x * sum",
                [$"var density = {t.Broadcast("0.398942280f")} * {LaneMath.Exp(set)}(x * x * {t.Broadcast("-0.5f")});"],
                t.Fma("x", "density", $"{t.Broadcast("0.5f")} * sum")),
            ActivationKind.QuickGelu => new([Divisor($"x * {t.Broadcast("-1.702f")}")], "x / divisor", [sigmoid], Slope($"x * {t.Broadcast("1.702f")}")),
            _ => new(
                [$"var positive = {t.Vector}.GreaterThan(x, {t.Floats}.Zero);"],
                $"{t.Vector}.ConditionalSelect(positive, x, {t.Floats}.Zero)",
                [],
                $"{t.Vector}.ConditionalSelect(positive, {one}, {t.Floats}.Zero)"),
        };
    }

    /// <summary>f and f' over x: lines that both need, f(x), lines that f' needs besides, f'(x).</summary>
    private sealed record Terms(IReadOnlyList<string> Common, string Value, IReadOnlyList<string> Further, string Slope);
}
