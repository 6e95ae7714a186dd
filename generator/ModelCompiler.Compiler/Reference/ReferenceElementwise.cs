namespace ModelCompiler.Compiler.Reference;

/// <summary>Operations that treat every element alike.</summary>
internal static class ReferenceElementwise
{
    /// <summary>y = a + b.</summary>
    public static double[] Add(double[] a, double[] b) => Map(a.Length, i => a[i] + b[i]);

    /// <summary>y = a · b.</summary>
    public static double[] Multiply(double[] a, double[] b) => Map(a.Length, i => a[i] * b[i]);

    /// <summary>y = x · factor.</summary>
    public static double[] Scale(double[] x, double factor) => Map(x.Length, i => x[i] * factor);

    /// <summary>y = cap · tanh(x / cap).</summary>
    public static double[] SoftCap(double[] x, double cap) => Map(x.Length, i => cap * Math.Tanh(x[i] / cap));

    /// <summary>y[i] = f(i).</summary>
    public static double[] Map(int length, Func<int, double> f)
    {
        double[] y = new double[length];
        for (int i = 0; i < length; i++)
        {
            y[i] = f(i);
        }

        return y;
    }
}
