using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Onnx.Export.Weights;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ModelCompiler.Onnx.Export.Lowerings;

/// <summary>
/// Rows of tables. The token table has the layout [dim, vocab] of a product's right side, so that a head that shares it finds it there once:
/// what is gathered is columns.
/// </summary>
internal static class EmbeddingLowering
{
    public static string Lower(Lowering l, string name, Embedding embedding)
    {
        WrittenMatrix table = l.Weights.Matrix(embedding.Table, forGather: true);
        string Columns(string tensor, string what) => l.Graph.Node("Gather", $"{name}.{what}", [tensor, OnnxNames.Tokens], OnnxGraph.Attribute("axis", 1L));
        string columns = table.Scales is not null ? Dequantised(l, name, Columns(table.Name, "codes"), Columns(table.Scales, "scales"), embedding.Table.Columns)
            : IsShared(l, embedding) ? Columns(l.Weights.Activated(embedding.Table), "columns")
            : l.Weights.ToActivations(Columns(table.Name, "columns"), table.Type);
        return l.Graph.Transpose(name, columns, 1, 2, 0);
    }

    /// <summary>
    /// Integers [dim, batch, length] times the scale of each 32, [groups, batch, length]. Said with a product: ONNX Runtime's CUDA provider (1.31) refuses a
    /// DequantizeLinear of such groups ("Unsupported quantization type") where nothing fuses it with a product behind it.
    /// </summary>
    private static string Dequantised(Lowering l, string name, string codes, string scales, int dim)
    {
        long[] groupOfRow = [.. Enumerable.Range(0, dim).Select(row => (long)row / BlockFormat.GroupInputs)];
        string scaleOfRow = l.Graph.Node("Gather", $"{name}.scaleOfRow", [scales, l.Graph.Integers(groupOfRow)], OnnxGraph.Attribute("axis", 0L));
        string numbers = l.Graph.Cast($"{name}.numbers", codes, DataType.Float);
        return l.Weights.ToActivations(l.Graph.Node("Mul", $"{name}.dequantised", [numbers, scaleOfRow]), DataType.Float);
    }

    /// <summary>The head multiplies by the table too: then both read what a runtime folds the cast to, and it keeps one copy.</summary>
    private static bool IsShared(Lowering l, Embedding embedding) => l.Source.Operations.OfType<Linear>().Any(linear => linear.Weight == embedding.Table);

    public static string Lower(Lowering l, string name, PositionEmbedding positions)
    {
        string table = l.Weights.Table(positions.Table);
        string rows = positions.Offset == 0
            ? OnnxNames.Positions
            : l.Graph.Node("Add", $"{name}.row", [OnnxNames.Positions, l.Graph.Integers(positions.Offset)]);
        return l.Graph.Node("Gather", name, [table, rows], OnnxGraph.Attribute("axis", 0L));
    }
}
