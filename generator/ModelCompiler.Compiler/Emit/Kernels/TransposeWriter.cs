using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// Turns rows into columns. A register takes four numbers of rows i, i + 4, i + 8 and i + 12 (or as many of them as it has places for); four
/// such registers, interleaved twice, are four columns, as long as a register.
/// </summary>
internal static class TransposeWriter
{
    /// <summary>Requires <c>(source, sourceStride, rows, columns, target, targetStride)</c>: target[c, r] = source[r, c]; rows a multiple of 16, columns of 4.</summary>
    public static string Require(KernelSet set) => set.Require(KernelFile.Kernels, "Transpose", writer =>
    {
        VectorTarget t = set.Target;
        writer.Line("/// <summary>target[c, r] = source[r, c]; rows: a multiple of 16, columns: of 4.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open("private static void Transpose(float* source, nint sourceStride, int rows, int columns, float* target, nint targetStride)");
        writer.Open($"for (int row = 0; row < rows; row += {t.Lanes})");
        writer.Open("for (int column = 0; column < columns; column += 4)");
        writer.Line("float* from = &source[(row * sourceStride) + column];");
        writer.Line("float* to = &target[(column * targetStride) + row];");
        if (t.Interleave is { } interleave)
        {
            WriteRegisters(writer, t, interleave);
        }
        else
        {
            writer.Open("for (int i = 0; i < 16; i++)");
            writer.Line("to[(i / 4 * targetStride) + (i % 4)] = from[(i % 4 * sourceStride) + (i / 4)];");
            writer.Close();
        }

        writer.Close().Close().Close();
    });

    /// <summary>Requires the same for any number of rows up to a multiple of 64, which rows of zeros fill.</summary>
    public static string RequirePadded(KernelSet set) => set.Require(KernelFile.Kernels, "TransposePadded", writer =>
    {
        string whole = Require(set);
        writer.Line("/// <summary>target[r / 64][c, r % 64] = source[r, c], and 0 for the rows that the last 64 lack; columns: a multiple of 16.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open("private static void TransposePadded(float* source, nint sourceStride, int rows, int columns, float* target)");
        writer.Open("for (; rows > 0; rows -= 64)");
        writer.Line("int whole = Math.Min(rows, 64) & ~15;");
        writer.Line($"{whole}(source, sourceStride, whole, columns, target, 64);");
        writer.Open("for (int row = whole; row < 64; row++)");
        writer.Open("for (nint column = 0; column < columns; column++)");
        writer.Line("target[(column * 64) + row] = row < rows ? source[(row * sourceStride) + column] : 0f;");
        writer.Close().Close().Line();
        writer.Line("source += 64 * sourceStride;");
        writer.Line("target += 64 * columns;");
        writer.Close().Close();
    });

    private static void WriteRegisters(SourceWriter writer, VectorTarget t, Func<string, string, bool, string> interleave)
    {
        for (int i = 0; i < 4; i++)
        {
            string Four(int row) => $"Vector128.Load({(row == 0 ? "from" : $"&from[{row} * sourceStride]")})";
            string Eight(int row) => $"Vector256.Create({Four(row)}, {Four(row + 4)})";
            writer.Line($"var r{i} = {t.Lanes switch { 16 => $"Vector512.Create({Eight(i)}, {Eight(i + 8)})", 8 => Eight(i), _ => Four(i) }};");
        }

        for (int i = 0; i < 4; i++)
        {
            (int first, bool high) = (i / 2 * 2, i % 2 == 1);
            writer.Line($"var pairs{i} = {interleave($"r{first}", $"r{first + 1}", high)}.AsDouble();");
        }

        for (int column = 0; column < 4; column++)
        {
            string fours = interleave($"pairs{column / 2}", $"pairs{(column / 2) + 2}", column % 2 == 1);
            writer.Line(t.Store($"{fours}.AsSingle()", column == 0 ? "to" : $"&to[{column} * targetStride]"));
        }
    }
}
