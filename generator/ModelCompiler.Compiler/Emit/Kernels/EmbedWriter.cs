using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// Looks tokens up. A table lies in panels like any matrix (a tied head reads the same bytes), so that a token's row is a column: a strided walk,
/// some microseconds, once for each token.
/// </summary>
internal static class EmbedWriter
{
    public static string Parameters(EmbedKernel kernel) => "Worker w, float* y, byte* table" + (kernel.HasPositions ? ", float* positions" : "");

    public static void Write(KernelSet set, SourceWriter writer, EmbedKernel kernel)
    {
        VectorTarget t = set.Target;
        int columns = kernel.Format.PanelColumns;
        int full = kernel.PaddedOutputs / columns, tail = kernel.PaddedOutputs % columns;
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"while (w.Next(w.Rows, {RowGrain.Lookup}, out int first, out int last))");
        writer.Open("for (int row = first; row < last; row++)");
        writer.Line($"int panel = w.Tokens[row] / {columns}, column = w.Tokens[row] % {columns};");
        writer.Line($"byte* weights = table + ((nint)panel * {kernel.Format.PanelBytes(kernel.TableInputs, columns)});");
        writer.Line($"int columns = {(tail == 0 ? Literals.Int(columns) : full == 0 ? Literals.Int(tail) : $"panel < {full} ? {columns} : {tail}")};");
        writer.Line($"float* x = y + ((nint)row * {kernel.OutStride});");
        writer.Open($"for (int k = 0; k < {kernel.Width}; k++)");
        writer.Line($"x[k] = {kernel.Format.ScalarWeight("weights", "k", "column", "columns")};");
        writer.Close();
        if (kernel.HasPositions || kernel.Factor != 1)
        {
            writer.Line();
            if (kernel.HasPositions)
            {
                writer.Line($"float* position = positions + ((nint)(w.Positions[row] + {kernel.PositionOffset}) * {kernel.Width});");
            }

            writer.Open($"for (nint k = 0; k < {kernel.Width}; k += {t.Lanes})");
            string sum = kernel.HasPositions ? $"{t.Load("x + k")} + {t.Load("position + k")}" : t.Load("x + k");
            writer.Line(t.Store(kernel.Factor == 1 ? sum : $"({sum}) * {t.Broadcast(Literals.Float(kernel.Factor))}", "x + k"));
            writer.Close();
        }

        writer.Close().Close().Close();
    }
}
