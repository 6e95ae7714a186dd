using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Tool.Measurement;

/// <summary>What a workload cannot do without, whoever runs the model: rates are these over the time.</summary>
/// <param name="FlopsPerPromptToken">
/// Multiplications and additions, the mean over a prompt's tokens: of the layers' matrices, of attention to what each token sees, and of what is computed for the last token alone, the head among it.
/// </param>
/// <param name="CacheNumbersPerToken">Keys and values that a decoded token's attention reads, the mean over the decoded tokens.</param>
/// <param name="CacheBytesPerNumber">Of each of them, with its share of a scale.</param>
internal sealed record ModelWork(double FlopsPerPromptToken, double CacheNumbersPerToken, double CacheBytesPerNumber)
{
    /// <summary>Bytes of keys and values that a decoded token reads.</summary>
    public double CacheBytesPerToken => CacheNumbersPerToken * CacheBytesPerNumber;

    public static ModelWork Of(ModelPlan plan, Workload work)
    {
        Attention[] attentions = [.. plan.Graph.Operations.OfType<Attention>()];
        CacheBlock block = plan.Cache.Block;
        return new(
            work.PromptLength == 0 ? 0 : (MatrixFlops(plan, work.PromptLength) + attentions.Sum(attention => AttentionFlops(attention, work.Depth, work.PromptLength))) / work.PromptLength,
            work.GenLength == 0 ? 0 : attentions.Sum(attention => 2.0 * attention.KvHeads * attention.HeadDim * Seen(attention, work.Depth, work.GenLength)) / work.GenLength,
            (double)block.LengthBytes / (2 * CachePage.Positions * block.HeadDim));
    }

    private static double MatrixFlops(ModelPlan plan, int tokens)
    {
        bool selects = plan.Stages.Any(stage => stage.Kept.Count > 0);
        int lastAttention = plan.Graph.Operations.Select((operation, i) => operation is Attention ? i : -1).Max();
        return plan.Graph.Operations
            .Select((operation, i) => (Linear: operation as Linear, Rows: operation.Place.Section == Section.Head || (selects && i > lastAttention) ? 1 : tokens))
            .Where(product => product.Linear is not null)
            .Sum(product => 2.0 * product.Linear!.Weight.Rows * product.Linear.Weight.Columns * product.Rows);
    }

    /// <summary>A query takes its product with a key, and adds a value, for each position that it sees.</summary>
    private static double AttentionFlops(Attention attention, int depth, int tokens) => 4.0 * attention.Heads * attention.HeadDim * Seen(attention, depth, tokens);

    /// <summary>Positions that tokens depth … depth + tokens − 1 see, in all.</summary>
    private static double Seen(Attention attention, int depth, int tokens)
        => Enumerable.Range(depth, tokens).Sum(position => (double)Math.Min(position + 1, attention.Window ?? int.MaxValue));
}
