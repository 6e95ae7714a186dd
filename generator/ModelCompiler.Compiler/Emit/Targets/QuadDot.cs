using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>Sums of four signed bytes' products at once, in 128-bit registers: what Arm's dot-product instructions do, and what a helper does where there are none.</summary>
/// <param name="dot">The text of sum[c] + Σ w[4c + i] · x[4 · quad + i], i from 0 to 3, for (set, sum, w, x, quad): Vector128 of int, sbyte, sbyte.</param>
/// <param name="guard">A condition that must hold for that text to run; null: always.</param>
/// <param name="fallback">What runs where it does not hold.</param>
internal sealed class QuadDot(Func<KernelSet, string, string, string, int, string> dot, string? guard = null, BlockDot? fallback = null) : BlockDot
{
    private const int RegisterInputs = 16;

    public override string? Guard => guard;

    public override BlockDot? Fallback => fallback;

    public override IEnumerable<string> TileConstants(VectorTarget target, BlockFormat format)
        => format.Bits == 8 ? [] : ["var nibble = Vector128.Create((byte)15);", $"var zero = Vector128.Create((sbyte){Q4Format.Offset});"];

    public override void WriteGroup(KernelSet set, SourceWriter writer, BlockTile tile)
    {
        for (int row = 0; row < tile.Rows; row++)
        {
            for (int register = 0; register < tile.Registers; register++)
            {
                writer.Line($"var i{row}_{register} = Vector128<int>.Zero;");
            }
        }

        int chunksPerRegister = RegisterInputs / tile.Format.ChunkInputs;
        for (int chunk = 0; chunk < tile.Format.Chunks; chunk++)
        {
            if (chunk % chunksPerRegister == 0)
            {
                writer.Line("{");
                for (int row = 0; row < tile.Rows; row++)
                {
                    writer.Line($"var sixteen{row} = Vector128.Load((sbyte*)(&in{row}[{chunk / chunksPerRegister * RegisterInputs}]));");
                }
            }

            for (int register = 0; register < tile.Registers; register++)
            {
                WriteProducts(set, writer, tile, chunk, register, chunk % chunksPerRegister * tile.Format.ChunkInputs / 4);
            }

            if (chunk % chunksPerRegister == chunksPerRegister - 1)
            {
                writer.Line("}");
            }
        }
    }

    private void WriteProducts(KernelSet set, SourceWriter writer, BlockTile tile, int chunk, int register, int quad)
    {
        int offset = tile.ChunkOffsetBytes(chunk) + (register * 4 * BlockFormat.ColumnBytes);
        string name = $"w{chunk}_{register}";
        writer.Line($"var {name} = Vector128.Load(&chunks[{offset}]);");
        string[] quads = tile.Format.Bits == 8 ? [$"{name}.AsSByte()"] : [$"({name} & nibble).AsSByte() - zero", $"({name} >> 4).AsSByte() - zero"];
        for (int i = 0; i < quads.Length; i++)
        {
            writer.Line($"var q{chunk}_{register}_{i} = {quads[i]};");
            for (int row = 0; row < tile.Rows; row++)
            {
                writer.Line($"i{row}_{register} = {dot(set, $"i{row}_{register}", $"q{chunk}_{register}_{i}", $"sixteen{row}", quad + i)};");
            }
        }
    }

    public override void WriteRecord(SourceWriter writer, VectorTarget target, BlockFormat format, IReadOnlyList<string> integers)
    {
        IReadOnlyList<string> bytes = Narrow(writer, target, Narrow(writer, target, integers, "s"), "b");
        for (int i = 0; i < bytes.Count; i++)
        {
            writer.Line(target.Store(bytes[i], $"(sbyte*)record + {i * RegisterInputs}"));
        }
    }

    /// <summary>A dot product by a helper: <paramref name="write"/> writes the body of <c>Dot(Vector128&lt;int&gt; sum, Vector128&lt;sbyte&gt; w, Vector128&lt;sbyte&gt; x, byte quad)</c>.</summary>
    public static QuadDot ByHelper(Action<SourceWriter> write) => new((set, sum, w, x, quad) =>
    {
        string name = set.Require(KernelFile.Math, "Dot", writer =>
        {
            writer.Line("/// <summary>sum[c] + Σ w[4c + i] · x[4 · quad + i], i from 0 to 3: exact.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open("private static Vector128<int> Dot(Vector128<int> sum, Vector128<sbyte> w, Vector128<sbyte> x, [ConstantExpected] byte quad)");
            write(writer);
            writer.Close();
        });
        return $"{name}({sum}, {w}, {x}, {quad})";
    });
}
