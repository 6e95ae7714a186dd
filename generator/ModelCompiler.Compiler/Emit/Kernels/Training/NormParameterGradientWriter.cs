using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>The gradients of a norm's gain and bias: workers claim blocks of columns and walk down all rows, the sums in registers.</summary>
internal static class NormParameterGradientWriter
{
    /// <summary>Columns of an item: two cache lines of a row, whose sums AVX-512, AVX2 and NEON can keep in registers.</summary>
    private const int Columns = 32;

    public static string Parameters(NormParameterGradientKernel kernel)
        => "Worker w, float* x, float* dy, float* statistics" + (kernel.HasWeight ? ", float* dgain" : "") + (kernel.HasBias ? ", float* dbias" : "");

    public static void Write(KernelSet set, SourceWriter writer, NormParameterGradientKernel kernel)
    {
        int padded = ArenaPlanner.Pad(kernel.Width), full = padded / Columns;
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"while (w.Next({(padded + Columns - 1) / Columns}, 1, out int first, out int last))");
        writer.Line($"int column = first * {Columns};");
        string Call(int columns) => $"{Block(set, kernel, columns)}(x + column, dy + column, statistics, w.Rows"
            + (kernel.HasWeight ? ", dgain + column" : "") + (kernel.HasBias ? ", dbias + column" : "") + ");";
        if (padded % Columns == 0 || full == 0)
        {
            writer.Line(Call(full == 0 ? padded : Columns));
        }
        else
        {
            writer.Open($"if (first < {full})").Line(Call(Columns)).Close();
            writer.Open("else").Line(Call(padded % Columns)).Close();
        }

        writer.Close().Close();
    }

    /// <summary>Requires the method that adds some columns of all rows.</summary>
    private static string Block(KernelSet set, NormParameterGradientKernel kernel, int columns) => set.Require(KernelFile.Kernels, $"{kernel.Name}Columns{columns}", writer =>
    {
        VectorTarget t = set.Target;
        int registers = columns / t.Lanes;
        string At(string pointer, int register) => register == 0 ? pointer : $"{pointer} + {register * t.Lanes}";
        writer.Line($"/// <summary>{columns} columns of all rows.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {kernel.Name}Columns{columns}({Parameters(kernel).Replace("Worker w, ", "").Replace("float* statistics", "float* statistics, int rows")})");
        for (int i = 0; i < registers; i++)
        {
            if (kernel.HasWeight)
            {
                writer.Line($"var gain{i} = {t.Load(At("dgain", i))};");
            }

            if (kernel.HasBias)
            {
                writer.Line($"var bias{i} = {t.Load(At("dbias", i))};");
            }
        }

        writer.Open("for (nint row = 0; row < rows; row++)");
        writer.Open($"for (nint group = 0; group < {kernel.Groups}; group++)");
        WriteRow(writer, t, kernel, registers, At);
        writer.Close().Close().Line();
        for (int i = 0; i < registers; i++)
        {
            if (kernel.HasWeight)
            {
                writer.Line(t.Store($"gain{i}", At("dgain", i)));
            }

            if (kernel.HasBias)
            {
                writer.Line(t.Store($"bias{i}", At("dbias", i)));
            }
        }

        writer.Close();
    });

    private static void WriteRow(SourceWriter writer, VectorTarget t, NormParameterGradientKernel kernel, int registers, Func<string, int, string> at)
    {
        int rowsAhead = TrainingBlocks.RowsAhead(t.Set);
        void WriteAhead(string pointer, int stride)
        {
            if (rowsAhead > 0)
            {
                PrefetchWriter.WriteLines(writer, t, pointer, rowsAhead * stride, registers * t.Lanes, PrefetchHint.First);
            }
        }

        writer.Line($"float* gradients = dy + (row * {kernel.GradientStride}) + (group * {kernel.GroupStride});");
        WriteAhead("gradients", kernel.GradientStride);
        if (kernel.HasWeight)
        {
            writer.Line($"float* numbers = x + (row * {kernel.InStride}) + (group * {kernel.GroupStride});");
            WriteAhead("numbers", kernel.InStride);
            writer.Line($"float* of = statistics + (row * {kernel.StatisticsStride}) + (group * 2);");
            if (kernel.Kind == NormKind.Layer)
            {
                writer.Line($"var mean = {t.Broadcast("of[0]")};");
            }

            writer.Line($"var scale = {t.Broadcast("of[1]")};");
        }

        for (int i = 0; i < registers; i++)
        {
            writer.Line($"var g{i} = {t.Load(at("gradients", i))};");
            if (kernel.HasWeight)
            {
                string number = t.Load(at("numbers", i));
                string normal = kernel.Kind == NormKind.Layer ? $"({number} - mean) * scale" : $"{number} * scale";
                writer.Line($"gain{i} = {t.Fma($"g{i}", normal, $"gain{i}")};");
            }

            if (kernel.HasBias)
            {
                writer.Line($"bias{i} += g{i};");
            }
        }
    }
}
