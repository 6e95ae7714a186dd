namespace ModelCompiler.Compiler.Reference.Training;

/// <summary>Cross-entropy of the next token, in nats. A target of −1: none.</summary>
internal static class ReferenceLoss
{
    /// <summary>loss[t] = log Σ e^logits[t] − logits[t, target[t]]; 0 without a target.</summary>
    public static double[] Apply(double[] logits, int[] targets)
    {
        int vocab = logits.Length / targets.Length;
        return ReferenceElementwise.Map(targets.Length, t =>
        {
            if (targets[t] < 0)
            {
                return 0;
            }

            double[] row = logits.AsSpan(t * vocab, vocab).ToArray();
            double largest = row.Max();
            return Math.Log(row.Sum(logit => Math.Exp(logit - largest))) + largest - row[targets[t]];
        });
    }

    /// <summary>dlogits[t] = (softmax(logits[t]) − onehot(target[t])) · lossScale; 0 without a target.</summary>
    public static double[] Gradient(double[] logits, int[] targets, double lossScale)
    {
        int vocab = logits.Length / targets.Length;
        double[] gradient = new double[logits.Length];
        for (int t = 0; t < targets.Length; t++)
        {
            if (targets[t] >= 0)
            {
                Span<double> row = gradient.AsSpan(t * vocab, vocab);
                logits.AsSpan(t * vocab, vocab).CopyTo(row);
                ReferenceAttention.Softmax(row);
                row[targets[t]] -= 1;
                for (int i = 0; i < vocab; i++)
                {
                    row[i] *= lossScale;
                }
            }
        }

        return gradient;
    }
}
