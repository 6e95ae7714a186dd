using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>
/// A sum of outer products: sums[inputs × Columns] += Σ over rows, in order, of x[row, inputs]ᵀ · dy[row, Columns].
/// </summary>
/// <param name="Columns">A multiple of 16.</param>
/// <param name="GradientStride">Floats between rows of dy.</param>
/// <param name="SumStride">Floats between rows of the sums.</param>
internal sealed record OuterProduct(int Columns, int GradientStride, int SumStride)
{
    public string Suffix => Literals.Int(Columns) + (GradientStride == Columns && SumStride == Columns ? "" : $"of{GradientStride}To{SumStride}");
}

/// <summary>
/// The inner loop of weight gradients: <see cref="TileWriter"/>'s with rows and inputs exchanged. The accumulators begin with what the sums hold, so
/// that a chain goes on over any number of calls, each row one fused multiply-add: a result does not depend on how rows are cut.
/// </summary>
internal static class OuterTileWriter
{
    /// <summary>Requires <c>Name(float* x, nint xStride, int inputs, float* dy, float* sums, nint rows)</c>, which takes up to a full tile of inputs, and returns its name. On some targets up to 3 more numbers of x are read.</summary>
    public static string Require(KernelSet set, OuterProduct product)
    {
        string name = "Outer" + product.Suffix;
        return set.Require(KernelFile.Tiles, name, writer =>
        {
            int most = Inputs(set);
            writer.Line($"/// <summary>sums[inputs × {product.Columns}] += Σ x[row, inputs]ᵀ · dy[row, {product.Columns}] over the rows, for 1 to {most} inputs.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static void {name}(float* x, nint xStride, int inputs, float* dy, float* sums, nint rows)");
            writer.Open("switch (inputs)");
            for (int inputs = most; inputs >= 1; inputs--)
            {
                string label = inputs == most ? "default" : $"case {inputs}";
                writer.Line($"{label}: {Tile(set, product, inputs)}(x, xStride, dy, sums, rows); break;");
            }

            writer.Close().Close();
        });
    }

    /// <summary>Inputs of a full tile.</summary>
    public static int Inputs(KernelSet set) => TilePlan.Rows(set.Target.Set, F32Format.Instance);

    private static string Tile(KernelSet set, OuterProduct product, int inputs)
        => set.Require(KernelFile.Tiles, $"Tile{inputs}Outer{product.Suffix}", writer =>
        {
            VectorTarget t = set.Target;
            int width = TilePlan.Columns(t.Set, inputs, product.Columns);
            int registers = width / t.Lanes;
            bool loops = width != product.Columns;
            writer.Line($"/// <summary>{inputs} input{(inputs == 1 ? "" : "s")} × {product.Columns} columns{(loops ? $", {width} columns at a time" : "")}: {inputs * registers} accumulators in registers.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void Tile{inputs}Outer{product.Suffix}(float* x, nint xStride, float* dy, float* sums, nint rows)");
            if (loops)
            {
                writer.Open($"for (int column = 0; column < {product.Columns}; column += {width})");
            }

            WriteTile(writer, t, product, inputs, registers);
            if (loops)
            {
                writer.Line($"dy += {width};").Line($"sums += {width};").Close();
            }

            writer.Close();
        });

    private static void WriteTile(SourceWriter writer, VectorTarget t, OuterProduct product, int inputs, int registers)
    {
        string At(int input, int register) => input + register == 0 ? "sums" : $"&sums[{(input * product.SumStride) + (register * t.Lanes)}]";
        foreach ((int input, int register) in Tiles(inputs, registers))
        {
            writer.Line($"var y{input}_{register} = {t.Load(At(input, register))};");
        }

        int unroll = TilePlan.InputsPerTurn(1, inputs * registers, 4);
        writer.Line("float* in0 = x;");
        writer.Line("float* w = dy;");
        writer.Line("nint row = 0;");
        if (unroll > 1)
        {
            int ahead = product.SumStride == product.Columns ? OuterTilePlan.SumsAhead(t.Set, inputs * product.Columns, unroll) : 0;
            if (ahead > 0)
            {
                writer.Line($"float* next = &sums[{inputs * product.SumStride}]; // the sums of the next tile");
            }

            writer.Open($"for (; row <= rows - {unroll}; row += {unroll})");
            WriteRows(writer, t, product, inputs, registers, unroll);
            if (ahead > 0)
            {
                PrefetchWriter.WriteLines(writer, t, "next", 0, ahead, PrefetchHint.First);
                writer.Line($"next += {ahead};");
            }

            writer.Close().Line();
        }

        writer.Open("for (; row < rows; row++)");
        WriteRows(writer, t, product, inputs, registers, 1);
        writer.Close().Line();
        foreach ((int input, int register) in Tiles(inputs, registers))
        {
            writer.Line(t.Store($"y{input}_{register}", At(input, register)));
        }
    }

    private static void WriteRows(SourceWriter writer, VectorTarget t, OuterProduct product, int inputs, int registers, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            if (row > 0)
            {
                writer.Line($"float* in{row} = &in{row - 1}[xStride];");
            }

            for (int input = 0; input < inputs; input++)
            {
                if (t.TileLoadInput(row, input) is { } load)
                {
                    writer.Line(load);
                }
            }

            for (int register = 0; register < registers; register++)
            {
                int offset = (row * product.GradientStride) + (register * t.Lanes);
                writer.Line($"var w{row}_{register} = {t.Load(offset == 0 ? "w" : $"&w[{offset}]")};");
                for (int input = 0; input < inputs; input++)
                {
                    writer.Line($"y{input}_{register} = {t.TileFma(row, input, $"w{row}_{register}", $"y{input}_{register}")};");
                }
            }
        }

        writer.Line($"in0 = &in{rows - 1}[xStride];");
        writer.Line($"w += {rows * product.GradientStride};");
    }

    private static IEnumerable<(int Input, int Register)> Tiles(int inputs, int registers)
        => from input in Enumerable.Range(0, inputs) from register in Enumerable.Range(0, registers) select (input, register);
}
