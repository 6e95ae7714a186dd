using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference;

/// <summary>The activation functions.</summary>
internal static class ReferenceActivation
{
    public static double[] Apply(ActivationKind kind, double[] x)
    {
        Func<double, double> f = Function(kind);
        return ReferenceElementwise.Map(x.Length, i => f(x[i]));
    }

    public static Func<double, double> Function(ActivationKind kind) => kind switch
    {
        ActivationKind.Silu => x => x * Sigmoid(x),
        ActivationKind.GeluTanh => x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        ActivationKind.GeluErf => x => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
        ActivationKind.QuickGelu => x => x * Sigmoid(1.702 * x),
        ActivationKind.Relu => x => Math.Max(x, 0),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown activation"),
    };

    /// <summary>
    /// erf(x) = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!! (DLMF 7.6.2), whose terms all have the sign of x, so that nothing
    /// cancels: within 1e-15 everywhere. Beyond 6 the distance to ±1 is below the last bit.
    /// </summary>
    public static double Erf(double x)
    {
        if (Math.Abs(x) > 6)
        {
            return Math.Sign(x);
        }

        double term = x;
        double sum = x;
        for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    internal static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
