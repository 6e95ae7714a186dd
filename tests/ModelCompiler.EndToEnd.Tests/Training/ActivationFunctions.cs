using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Activation functions and their slopes by other ways than the compiler's.</summary>
internal static class ActivationFunctions
{
    public static double Value(ActivationKind kind, double x) => kind switch
    {
        ActivationKind.Silu => x / (1 + Math.Exp(-x)),
        ActivationKind.GeluTanh => x / (1 + Math.Exp(-2 * Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        ActivationKind.GeluErf => x * Normal(x),
        ActivationKind.QuickGelu => x / (1 + Math.Exp(-1.702 * x)),
        _ => Math.Max(x, 0),
    };

    public static double Slope(ActivationKind kind, double x)
        => kind == ActivationKind.Relu ? (x > 0 ? 1 : 0) : (Value(kind, x + 1e-5) - Value(kind, x - 1e-5)) / 2e-5;

    /// <summary>The normal distribution by Simpson's rule.</summary>
    private static double Normal(double x)
    {
        const int Steps = 2000;
        double limit = Math.Clamp(x, -10, 10), h = limit / Steps, sum = 0;
        for (int i = 0; i <= Steps; i++)
        {
            sum += (i is 0 or Steps ? 1 : i % 2 == 1 ? 4 : 2) * Math.Exp(-i * h * i * h / 2);
        }

        return 0.5 + (sum * h / 3 / Math.Sqrt(2 * Math.PI));
    }
}
