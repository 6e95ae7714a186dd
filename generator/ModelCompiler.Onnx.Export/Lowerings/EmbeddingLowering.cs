using ModelCompiler.Compiler.Graph;
using ModelCompiler.Onnx.Export.Weights;

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
        string columns = table.Scales is null
            ? l.Weights.ToActivations(Columns(table.Name, "columns"), table.Type)
            : l.Weights.Dequantise($"{name}.dequantised", Columns(table.Name, "codes"), Columns(table.Scales, "scales"));
        return l.Graph.Transpose(name, columns, 1, 2, 0);
    }

    public static string Lower(Lowering l, string name, PositionEmbedding positions)
    {
        string table = l.Weights.Table(positions.Table);
        string rows = positions.Offset == 0
            ? OnnxNames.Positions
            : l.Graph.Node("Add", $"{name}.row", [OnnxNames.Positions, l.Graph.Integers(positions.Offset)]);
        return l.Graph.Node("Gather", name, [table, rows], OnnxGraph.Attribute("axis", 0L));
    }
}
