using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// The gradient of the token table, whose rows are columns of panels (see <see cref="EmbedWriter"/>): a strided walk down a panel for each token. Workers claim
/// blocks of the table's width; each adds all rows, in order.
/// </summary>
internal static class EmbeddingGradientWriter
{
    /// <summary>Numbers of a row that an item adds: two cache lines.</summary>
    private const int Columns = 32;

    public const string Parameters = "Worker w, float* dy, byte* dtable";

    public static void Write(KernelSet set, SourceWriter writer, EmbeddingGradientKernel kernel)
    {
        PanelLayout layout = new(F32Format.Instance, 1, kernel.TableInputs, kernel.PaddedOutputs);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters})");
        writer.Open($"while (w.Next({(kernel.Width + Columns - 1) / Columns}, 1, out int first, out int last))");
        writer.Open("for (nint row = 0; row < w.Rows; row++)");
        writer.Line($"int panel = w.Tokens[row] / {layout.Columns}, columns = {PanelWalk.Width(layout, "panel")};");
        writer.Line($"float* sums = (float*)(dtable + ({PanelWalk.OffsetBytes(layout, "panel")})) + (w.Tokens[row] % {layout.Columns});");
        writer.Line($"float* gradient = dy + (row * {kernel.GradientStride});");
        writer.Open($"for (int k = first * {Columns}; k < Math.Min(last * {Columns}, {kernel.Width}); k++)");
        writer.Line(kernel.Factor == 1
            ? "sums[k * columns] += gradient[k];"
            : $"sums[k * columns] = MathF.FusedMultiplyAdd(gradient[k], {Literals.Float(kernel.Factor)}, sums[k * columns]);");
        writer.Close().Close().Close().Close();
    }
}
