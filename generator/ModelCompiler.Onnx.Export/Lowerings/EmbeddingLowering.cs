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
        string columns = table.Scales is not null ? l.Weights.Dequantise($"{name}.dequantised", Columns(table.Name, "codes"), Columns(table.Scales, "scales"))
            : IsShared(l, embedding) ? Columns(l.Weights.Activated(embedding.Table), "columns")
            : l.Weights.ToActivations(Columns(table.Name, "columns"), table.Type);
        return l.Graph.Transpose(name, columns, 1, 2, 0);
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
