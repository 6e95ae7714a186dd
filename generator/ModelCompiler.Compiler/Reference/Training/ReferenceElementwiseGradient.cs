using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Reference.Training;

/// <summary>Gradients of what treats every element alike.</summary>
internal static class ReferenceElementwiseGradient
{
    /// <summary>dx = dy · f'(x).</summary>
    public static double[] Activation(ActivationKind kind, double[] x, double[] outputGradient)
    {
        Func<double, double> derivative = Derivative(kind);
        return ReferenceElementwise.Map(x.Length, i => outputGradient[i] * derivative(x[i]));
    }

    /// <summary>dx = dy · (1 − tanh²(x / cap)).</summary>
    public static double[] SoftCap(double cap, double[] x, double[] outputGradient)
        => ReferenceElementwise.Map(x.Length, i => outputGradient[i] * (1 - Square(Math.Tanh(x[i] / cap))));

    /// <summary>f'. Of Relu at 0: 0.</summary>
    public static Func<double, double> Derivative(ActivationKind kind) => kind switch
    {
        ActivationKind.Silu => x => SwishDerivative(x, 1),
        ActivationKind.GeluTanh => x =>
        {
            double root = Math.Sqrt(2 / Math.PI);
            double tanh = Math.Tanh(root * (x + (0.044715 * x * x * x)));
            return (0.5 * (1 + tanh)) + (0.5 * x * (1 - Square(tanh)) * root * (1 + (3 * 0.044715 * x * x)));
        },
        ActivationKind.GeluErf => x => (0.5 * (1 + ReferenceActivation.Erf(x / Math.Sqrt(2)))) + (x * Math.Exp(-x * x / 2) / Math.Sqrt(2 * Math.PI)),
        ActivationKind.QuickGelu => x => SwishDerivative(x, 1.702),
        ActivationKind.Relu => x => x > 0 ? 1 : 0,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown activation"),
    };

    /// <summary>Of x · sigmoid(b x).</summary>
    private static double SwishDerivative(double x, double b)
    {
        double sigmoid = ReferenceActivation.Sigmoid(b * x);
        return sigmoid + (b * x * sigmoid * (1 - sigmoid));
    }

    private static double Square(double x) => x * x;
}
