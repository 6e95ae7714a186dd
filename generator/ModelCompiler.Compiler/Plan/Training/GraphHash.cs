using System.Text;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// The identity of what a model computes: SHA-256 over a text that names every operation of the graph as mapped, what it reads and the numbers that it was given.
/// Models with equal layouts of their weights may still differ in it, so that a checkpoint of the one is none of the other.
/// </summary>
internal static class GraphHash
{
    public static string Of(ModelGraph graph)
    {
        StringBuilder text = new();
        foreach (Operation operation in graph.Operations)
        {
            string inputs = string.Join(",", operation.Inputs.Select(value => value.Id)), parameters = string.Join(",", operation.Parameters.Select(parameter => $"{parameter.Name}[{parameter.Rows},{parameter.Columns}]"));
            PlanHash.Append(text, $"{operation.Output.Id}[{operation.Output.Width}] = {operation.GetType().Name}({inputs}; {parameters}; {Numbers(operation)})\n");
        }

        foreach (RopeTable table in graph.RopeTables)
        {
            PlanHash.Append(text, $"rope {Bits(table.AttentionFactor)}: {string.Join(",", table.InverseFrequencies.Select(frequency => Bits(frequency)))}\n");
        }

        return PlanHash.Sha256(text);
    }

    /// <exception cref="NotSupportedException">An operation that only passes make.</exception>
    private static FormattableString Numbers(Operation operation) => operation switch
    {
        Embedding or Add or Linear or Multiply => $"",
        PositionEmbedding positions => $"{positions.Offset}",
        Scale scale => $"{Bits(scale.Factor)}",
        Norm norm => $"{norm.Kind} {Bits(norm.Epsilon)} {norm.Groups} {Bits(norm.WeightOffset)} {norm.Bias is null}",
        Rope rope => $"{rope.Heads} {rope.HeadDim} {rope.Table}",
        Attention attention => $"{attention.Heads} {attention.KvHeads} {attention.HeadDim} {Bits(attention.ScoreScale)} {attention.Window ?? 0} {Bits(attention.SoftCap ?? 0)}",
        Activation activation => $"{activation.Kind}",
        SoftCap softCap => $"{Bits(softCap.Cap)}",
        _ => throw new NotSupportedException($"'{operation.GetType().Name}' is no operation of a graph as mapped."),
    };

    private static long Bits(double number) => BitConverter.DoubleToInt64Bits(number);
}
