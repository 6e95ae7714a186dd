using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>What no pass fused into a neighbour, row by row.</summary>
internal static class ElementwiseWriter
{
    public static string Parameters(ElementwiseKernel kernel)
        => "Worker w, float* a, " + (IsBinary(kernel) ? "float* b, " : "") + "float* y";

    public static void Write(KernelSet set, SourceWriter writer, ElementwiseKernel kernel)
    {
        VectorTarget t = set.Target;
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Elementwise}, out int first, out int last))");
        writer.Open("for (nint row = first; row < last; row++)");
        writer.Open($"for (nint c = 0; c < {kernel.Width}; c += {t.Lanes})");
        string a = t.Load($"a + (row * {kernel.LeftStride}) + c");
        string b = t.Load($"b + (row * {kernel.RightStride}) + c");
        string constant = t.Broadcast(Literals.Float(kernel.Constant));
        string result = kernel.Kind switch
        {
            ElementwiseKind.Add => $"{a} + {b}",
            ElementwiseKind.Multiply => $"{a} * {b}",
            ElementwiseKind.Scale => $"{a} * {constant}",
            ElementwiseKind.SoftCap => $"{LaneMath.Tanh(set)}({a} / {constant}) * {constant}",
            _ => ActivationWriter.Apply(set, kernel.Activation!.Value, a),
        };
        writer.Line(t.Store(result, $"y + (row * {kernel.OutStride}) + c"));
        writer.Close().Close().Close().Close();
    }

    private static bool IsBinary(ElementwiseKernel kernel) => kernel.Kind is ElementwiseKind.Add or ElementwiseKind.Multiply;
}
