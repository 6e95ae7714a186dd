using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>
/// (per-head Norm) → (Rope) → Attention becomes FusedAttention: q and k are prepared, in place, by the worker that uses them. What another
/// operation reads as well is left alone.
/// </summary>
internal static class FuseAttention
{
    public static ModelGraph Apply(ModelGraph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Attention attention in rewriter.Operations.OfType<Attention>())
        {
            Prepared query = Prepare(rewriter, attention.Query, attention.Heads);
            Prepared key = Prepare(rewriter, attention.Key, attention.KvHeads);
            if (query.Rope?.Table != key.Rope?.Table)
            {
                continue; // left as they are; the plan says that it cannot lower them
            }

            FusedAttention fused = new(
                attention.Output, attention.Place, query.Source, key.Source, attention.Values, attention,
                HeadNormOf(query.Norm), HeadNormOf(key.Norm), query.Rope?.Table);
            rewriter.Replace(attention, fused, query.Rope, query.Norm, key.Rope, key.Norm);
        }

        return rewriter.Finish();
    }

    private static Prepared Prepare(GraphRewriter rewriter, Value value, int heads)
    {
        Rope? rope = rewriter.OnlyUse<Rope>(value);
        Value source = rope?.Input ?? value;
        Norm? norm = rewriter.OnlyUse<Norm>(source);
        if (norm is not { Kind: NormKind.Rms, Bias: null } || norm.Groups != heads)
        {
            norm = null; // not a norm of each head by itself
        }

        Value unprepared = norm?.Input ?? source;
        if ((rope is not null || norm is not null) && !rewriter.ReadOnce(unprepared))
        {
            return new Prepared(value, null, null);
        }

        return new Prepared(unprepared, norm, rope);
    }

    private static HeadNorm? HeadNormOf(Norm? norm) => norm is null ? null : new HeadNorm(norm.Weight, norm.Epsilon, norm.WeightOffset);

    private readonly record struct Prepared(Value Source, Norm? Norm, Rope? Rope);
}
