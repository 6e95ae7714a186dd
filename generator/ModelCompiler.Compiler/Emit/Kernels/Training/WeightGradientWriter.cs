using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// The gradient of a projection's matrix and bias. Workers claim panels and, of each, blocks of inputs. A block of rows at a time, the panel's columns of dy
/// are copied together, where they stay in the first-level cache while tile after tile of inputs passes over them.
/// </summary>
internal static class WeightGradientWriter
{
    public static string Parameters(WeightGradientKernel kernel)
        => "Worker w, float* x, float* dy" + (kernel.HasWeight ? ", byte* dpanels" : "") + (kernel.HasBias ? ", float* dbias" : "");

    public static void Write(KernelSet set, SourceWriter writer, WeightGradientKernel kernel)
    {
        PanelLayout layout = Layout(kernel);
        int blocks = Blocks(kernel);
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"public static void {kernel.Name}({Parameters(kernel)})");
        writer.Open($"while (w.Next({layout.Panels * blocks}, 1, out int first, out int last))");
        writer.Open("for (int item = first; item < last; item++)");
        WriteItem(set, writer, kernel, "w.Rows");
        writer.Close().Close().Close();
    }

    /// <summary>Items of a stage.</summary>
    public static int Items(WeightGradientKernel kernel) => Layout(kernel).Panels * Blocks(kernel);

    /// <summary>Writes the work of the item in variable <c>item</c>, over <paramref name="rows"/> rows of <c>x</c> and <c>dy</c>.</summary>
    public static void WriteItem(KernelSet set, SourceWriter writer, WeightGradientKernel kernel, string rows)
    {
        PanelLayout layout = Layout(kernel);
        int blocks = Blocks(kernel);
        writer.Line(blocks == 1 ? "int panel = item;" : $"int panel = item / {blocks}, input = item % {blocks} * {kernel.InputBlock};");
        writer.Line($"int column = {PanelWalk.Column(layout, "panel")};");
        PanelWalk.WriteForWidth(writer, layout, columns =>
        {
            string inputs = blocks == 1 ? Literals.Int(kernel.Inputs) : kernel.Inputs % kernel.InputBlock == 0 ? Literals.Int(kernel.InputBlock) : $"Math.Min({kernel.InputBlock}, {kernel.Inputs} - input)";
            string sums = $"(float*)(dpanels + {PanelWalk.OffsetBytes(layout, "panel")})" + (blocks == 1 ? "" : $" + (input * {columns})");
            string bias = blocks == 1 ? "dbias + column" : "input == 0 ? dbias + column : null";
            return $"{Panel(set, kernel, columns)}(w, x{(blocks == 1 ? "" : " + input")}, dy + column, {rows}"
                + (kernel.HasWeight ? $", {sums}, {inputs}" : "") + (kernel.HasBias ? $", {bias}" : "") + ");";
        });
    }

    private static PanelLayout Layout(WeightGradientKernel kernel) => new(F32Format.Instance, kernel.Parts, kernel.Inputs, kernel.PartOutputs);

    private static int Blocks(WeightGradientKernel kernel) => kernel.HasWeight ? (kernel.Inputs + kernel.InputBlock - 1) / kernel.InputBlock : 1;

    /// <summary>Requires the method that takes all rows over a block of inputs of one panel.</summary>
    private static string Panel(KernelSet set, WeightGradientKernel kernel, int columns)
        => set.Require(KernelFile.Kernels, $"{kernel.Name}Panel{columns}", writer =>
        {
            int tile = OuterTileWriter.Inputs(set);
            writer.Line($"/// <summary>The gradient of {columns} outputs{(kernel.HasWeight ? " for some inputs" : "")}.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {kernel.Name}Panel{columns}(Worker w, float* x, float* dy, int rows"
                + (kernel.HasWeight ? ", float* sums, int inputs" : "") + (kernel.HasBias ? ", float* dbias" : "") + ")");
            writer.Line("float* columns = w.Local;");
            bool asks = kernel.HasWeight && OuterTilePlan.Prefetches(set.Target.Set);
            if (asks)
            {
                writer.Line($"int asks = (({OuterTilePlan.RowBlock} * {tile}) + inputs - 1) / inputs;");
            }

            writer.Open($"for (int row = 0; row < rows; row += {OuterTilePlan.RowBlock})");
            writer.Line($"int count = Math.Min({OuterTilePlan.RowBlock}, rows - row);");
            writer.Line($"{Copy(set, columns)}(dy, {kernel.GradientStride}, count, columns);");
            if (kernel.HasBias)
            {
                string add = $"{AddRows(set, columns)}(columns, count, dbias);";
                if (kernel.HasWeight)
                {
                    writer.Open("if (dbias != null)").Line(add).Close().Line();
                }
                else
                {
                    writer.Line(add);
                }
            }

            if (kernel.HasWeight)
            {
                string outer = OuterTileWriter.Require(set, new OuterProduct(columns, columns, columns));
                if (asks)
                {
                    writer.Line($"float* next = &dy[{OuterTilePlan.RowBlock} * {kernel.GradientStride}]; // is asked for while tiles pass, some rows with each");
                    writer.Line($"int behind = Math.Clamp(rows - row - {OuterTilePlan.RowBlock}, 0, {OuterTilePlan.RowBlock});");
                }

                writer.Open($"for (int input = 0; input < inputs; input += {tile})");
                if (asks)
                {
                    writer.Line("int asked = Math.Min(asks, behind);");
                    writer.Line($"{PrefetchWriter.Rows(set, columns, PrefetchHint.First)}(next, {kernel.GradientStride}, asked);");
                    writer.Line($"next += asked * {kernel.GradientStride};").Line("behind -= asked;");
                }

                writer.Line($"{outer}(x + input, {kernel.InStride}, Math.Min({tile}, inputs - input), columns, sums + (input * {columns}), count);");
                writer.Close().Line();
                writer.Line($"x += {OuterTilePlan.RowBlock} * {kernel.InStride};");
            }

            writer.Line($"dy += {OuterTilePlan.RowBlock} * {kernel.GradientStride};");
            writer.Close().Close();
        });

    /// <summary>Requires <c>(source, sourceStride, rows, target)</c>: target[rows × columns], without gaps.</summary>
    public static string Copy(KernelSet set, int columns) => set.Require(KernelFile.Kernels, $"CopyColumns{columns}", writer =>
    {
        VectorTarget t = set.Target;
        writer.Line($"/// <summary>{columns} columns of some rows, side by side.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void CopyColumns{columns}(float* source, nint sourceStride, int rows, float* target)");
        writer.Open("for (; rows > 0; rows--)");
        for (int column = 0; column < columns; column += t.Lanes)
        {
            string at = column == 0 ? "" : $" + {column}";
            writer.Line(t.Store(t.Load($"source{at}"), $"target{at}"));
        }

        writer.Line("source += sourceStride;").Line($"target += {columns};");
        writer.Close().Close();
    });

    private static string AddRows(KernelSet set, int columns) => set.Require(KernelFile.Kernels, $"AddRows{columns}", writer =>
    {
        VectorTarget t = set.Target;
        writer.Line($"/// <summary>sums[{columns}] += each of the rows, in order.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void AddRows{columns}(float* source, nint rows, float* sums)");
        writer.Open($"for (nint column = 0; column < {columns}; column += 16)");
        for (int i = 0; i < t.PerSixteen; i++)
        {
            writer.Line($"var sum{i} = {t.Load(i == 0 ? "sums + column" : $"sums + column + {i * t.Lanes}")};");
        }

        writer.Open("for (nint row = 0; row < rows; row++)");
        for (int i = 0; i < t.PerSixteen; i++)
        {
            writer.Line($"sum{i} += {t.Load($"source + (row * {columns}) + column" + (i == 0 ? "" : $" + {i * t.Lanes}"))};");
        }

        writer.Close().Line();
        for (int i = 0; i < t.PerSixteen; i++)
        {
            writer.Line(t.Store($"sum{i}", i == 0 ? "sums + column" : $"sums + column + {i * t.Lanes}"));
        }

        writer.Close().Close();
    });
}
