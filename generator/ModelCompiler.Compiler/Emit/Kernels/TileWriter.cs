using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// A product of some rows with a panel: y[rows × Columns] (+)= x[rows × Inputs] · panel[Inputs × Columns].
/// </summary>
/// <param name="Format">How the panel's numbers lie.</param>
/// <param name="Inputs">Inner dimension; null: given by the caller, a multiple of 4.</param>
/// <param name="Columns">Columns to compute, a multiple of 16.</param>
/// <param name="PanelStride">Columns of the panel: more than Columns where only a part of it is multiplied.</param>
/// <param name="Accumulates">Continues the chains that y holds, instead of starting at zero.</param>
/// <param name="AddsBias">Adds bias[Columns] to every row while it is in registers.</param>
/// <param name="AddsResidual">Then adds residual[rows × Columns], which may be y.</param>
internal sealed record Product(
    WeightFormat Format, int? Inputs, int Columns, int PanelStride, bool Accumulates, bool AddsBias = false, bool AddsResidual = false)
{
    public string Suffix
        => $"{(Inputs is { } inputs ? Literals.Int(inputs) : "N")}x{Columns}" + (PanelStride == Columns ? "" : $"of{PanelStride}")
            + $"{Format.Name.ToUpperInvariant()}{(Accumulates ? "Add" : "")}{(AddsBias ? "Bias" : "")}{(AddsResidual ? "Residual" : "")}";

    /// <summary>Parameters of the emitted method that not every product has, after the others.</summary>
    public string FurtherParameters
        => (AddsBias ? ", float* bias" : "") + (AddsResidual ? ", float* residual, nint residualStride" : "") + (Inputs is null ? ", nint inputs" : "");

    /// <summary>The same as arguments of these names.</summary>
    public string FurtherArguments => FurtherParameters.Replace("float* ", "").Replace("nint ", "");

    /// <summary>The parameters of a tile of it as arguments of the same names.</summary>
    public string Arguments => $"x, xStride, panel, y, yStride{FurtherArguments}";
}

/// <summary>
/// The one inner loop of everything: projections, scores and weighted sums of values are tiles of it. Outputs lie across the
/// lanes; each accumulator is one chain of fused multiply-adds over the inner dimension in order, so that a result does not depend on
/// the shape of the tile.
/// </summary>
internal static class TileWriter
{
    /// <summary>
    /// Requires <c>Name(float* x, nint xStride, int rows, Element* panel, float* y, nint yStride[, float* bias][, float* residual, nint
    /// residualStride][, nint inputs])</c>, which computes up to a full tile of rows, and returns its name.
    /// </summary>
    public static string Require(KernelSet set, Product product)
    {
        string name = "Product" + product.Suffix;
        return set.Require(KernelFile.Tiles, name, writer =>
        {
            VectorTarget target = set.Target;
            int most = TilePlan.Rows(target.Set, product.Format);
            writer.Line($"/// <summary>y[rows × {product.Columns}] {(product.Accumulates ? "+=" : "=")} x[rows × {InputsText(product)}] · panel{Text(product.AddsBias, " + bias")}{Text(product.AddsResidual, " + residual")}, for 1 to {most} rows.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static void {name}(float* x, nint xStride, int rows, {product.Format.ElementType}* panel, float* y, nint yStride{product.FurtherParameters})");
            writer.Open("switch (rows)");
            for (int rows = most; rows >= 1; rows--)
            {
                string label = rows == most ? "default" : $"case {rows}";
                writer.Line($"{label}: {Tile(set, product, rows)}(x, xStride, panel, y, yStride{product.FurtherArguments}); break;");
            }

            writer.Close().Close();
        });
    }

    private static string Text(bool condition, string text) => condition ? text : "";

    private static string InputsText(Product product) => product.Inputs is { } inputs ? Literals.Int(inputs) : "inputs";

    private static string Tile(KernelSet set, Product product, int rows)
    {
        string name = $"Tile{rows}x{product.Suffix}";
        return set.Require(KernelFile.Tiles, name, writer =>
        {
            if (product.Format is BlockFormat)
            {
                BlockTileWriter.Write(set, writer, product, rows, name);
            }
            else
            {
                WriteTile(set, writer, product, rows, name, Guard(set.Target, product, rows));
            }
        });
    }

    /// <summary>The condition of a tile that the plan wants otherwise on recent processors; null: one for all.</summary>
    internal static string? Guard(VectorTarget target, Product product, int rows)
    {
        bool float32 = product.Format is F32Format;
        return TilePlan.Ahead(target.Set, rows, float32, recent: true) != TilePlan.Ahead(target.Set, rows, float32, recent: false) ? target.Recent : null;
    }

    /// <summary>Hands over to a method of its own, which <paramref name="writePlain"/> writes, where <paramref name="guard"/> does not hold.</summary>
    internal static void WriteGuard(KernelSet set, SourceWriter writer, string name, string arguments, string guard, Action<SourceWriter, string> writePlain)
    {
        string plain = set.Require(KernelFile.Tiles, name + "Plain", own => writePlain(own, name + "Plain"));
        writer.Open($"if (!{guard})");
        writer.Line($"{plain}({arguments});");
        writer.Line("return;");
        writer.Close().Line();
    }

    /// <summary>The tile of processors for which <paramref name="guard"/> holds; null: of any.</summary>
    private static void WriteTile(KernelSet set, SourceWriter writer, Product product, int rows, string name, string? guard)
    {
        VectorTarget target = set.Target;
        int width = TilePlan.Columns(target.Set, rows, product.Columns);
        int registers = width / target.Lanes;
        string columnLoop = width == product.Columns ? "" : $", {width} columns at a time";
        writer.Line($"/// <summary>{rows} row{(rows == 1 ? "" : "s")} × {product.Columns} columns{columnLoop}: {rows * registers} accumulators in registers.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void {name}(float* x, nint xStride, {product.Format.ElementType}* panel, float* y, nint yStride{product.FurtherParameters})");
        if (guard is not null)
        {
            WriteGuard(set, writer, name, product.Arguments, guard, (own, plain) => WriteTile(set, own, product, rows, plain, null));
        }

        for (int row = 0; row < rows; row++)
        {
            writer.Line(row == 0 ? "float* x0 = x;" : $"float* x{row} = &x{row - 1}[xStride];");
        }

        foreach (string constant in product.Format.TileConstants(target))
        {
            writer.Line(constant);
        }

        bool loops = width != product.Columns;
        if (loops)
        {
            writer.Open($"for (int column = 0; column < {product.Columns}; column += {width})");
            writer.Line($"{product.Format.ElementType}* w = panel + column;");
        }
        else
        {
            writer.Line($"{product.Format.ElementType}* w = panel;");
        }

        for (int row = 0; row < rows; row++)
        {
            writer.Line(row == 0 ? "float* out0 = y;" : $"float* out{row} = &out{row - 1}[yStride];");
        }

        WriteAccumulators(writer, target, product, rows, registers);
        WriteLoop(writer, target, product, rows, registers, recent: guard is not null);
        WriteStores(writer, target, product, rows, registers);
        if (loops)
        {
            WriteNextColumns(writer, product, width);
        }

        writer.Close();
    }

    /// <summary>The end of a loop over the columns of a panel.</summary>
    internal static void WriteNextColumns(SourceWriter writer, Product product, int width)
        => writer.Line($"y += {width};{Text(product.AddsBias, $" bias += {width};")}{Text(product.AddsResidual, $" residual += {width};")}").Close();

    /// <summary>y0_0, y0_1 … of rows × registers: zero, or what is at out0, out1 ….</summary>
    internal static void WriteAccumulators(SourceWriter writer, VectorTarget target, Product product, int rows, int registers)
    {
        for (int row = 0; row < rows; row++)
        {
            for (int register = 0; register < registers; register++)
            {
                writer.Line(product.Accumulates
                    ? $"var y{row}_{register} = {target.Load(At(row, register * target.Lanes))};"
                    : $"var y{row}_{register} = {target.Floats}.Zero;");
            }
        }
    }

    private static string At(int row, int offset) => Place($"out{row}", offset);

    private static string Place(string pointer, int offset) => offset == 0 ? pointer : $"&{pointer}[{offset}]";

    private static void WriteLoop(SourceWriter writer, VectorTarget target, Product product, int rows, int registers, bool recent)
    {
        int group = product.Format.InputsPerGroup;
        ReadAhead ahead = TilePlan.Ahead(target.Set, rows, product.Format is F32Format, recent);
        int unroll = TilePlan.InputsPerTurn(Math.Max(group, target.InputsPerLoad), rows * registers, product.Inputs is null ? 4 : TilePlan.MostInputsPerTurn(target.Set, rows));
        string limit = product.Inputs is { } inputs ? Literals.Int(inputs) : "inputs";
        writer.Open($"for (nint k = 0; k < {limit}; k += {unroll})");
        for (int row = 0; row < rows; row++)
        {
            writer.Line($"float* in{row} = &x{row}[k];");
        }

        for (int input = 0; input < unroll; input++)
        {
            for (int row = 0; row < rows; row++)
            {
                if (target.TileLoadInput(row, input) is { } load)
                {
                    writer.Line(load);
                }
            }

            if (input % group == 0)
            {
                PrefetchWriter.WriteAhead(writer, target, ahead, "w", input / group * product.PanelStride, registers);
            }


            for (int register = 0; register < registers; register++)
            {
                int offset = (input / group * product.PanelStride) + (register * target.Lanes);
                string pointer = offset == 0 ? "w" : $"&w[{offset}]"; // an address, not a sum: the C# compiler binds it four times as fast
                writer.Line($"var w{input}_{register} = {product.Format.TileWeight(target, pointer, input % group)};");
                for (int row = 0; row < rows; row++)
                {
                    writer.Line($"y{row}_{register} = {target.TileFma(row, input, $"w{input}_{register}", $"y{row}_{register}")};");
                }
            }
        }

        writer.Line($"w += {unroll / group * product.PanelStride};");
        writer.Close();
    }

    /// <summary>Stores them there, with bias and residual.</summary>
    internal static void WriteStores(SourceWriter writer, VectorTarget target, Product product, int rows, int registers)
    {
        for (int register = 0; register < registers && product.AddsBias; register++)
        {
            writer.Line($"var b{register} = {target.Load(Place("bias", register * target.Lanes))};");
        }

        for (int row = 0; row < rows; row++)
        {
            if (product.AddsResidual)
            {
                writer.Line(row == 0 ? "float* residual0 = residual;" : $"float* residual{row} = &residual{row - 1}[residualStride];");
            }

            for (int register = 0; register < registers; register++)
            {
                int offset = register * target.Lanes;
                string sum = $"y{row}_{register}" + Text(product.AddsBias, $" + b{register}")
                    + Text(product.AddsResidual, $" + {target.Load(Place($"residual{row}", offset))}");
                writer.Line(target.Store(sum, At(row, offset)));
            }
        }
    }
}
