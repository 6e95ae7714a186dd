namespace ModelCompiler.TorchCompare;

/// <summary>A library that trains a model: what both sides of the comparison do.</summary>
internal interface ITrainingEngine : IDisposable
{
    /// <summary>One update by AdamW from one batch; gives the mean loss in nats before it.</summary>
    double Step(Batch batch);

    /// <summary>A parameter by its published name, as float32, in the order of its file.</summary>
    float[] Read(string parameter);
}

/// <summary>[sequences × length] tokens and what each should predict.</summary>
internal sealed record Batch(int Sequences, int Length, int[] Tokens, int[] Targets)
{
    /// <summary>The same random tokens for every engine. Each token's target is the next one.</summary>
    public static Batch Random(int sequences, int length, int vocab, int step)
    {
        Random random = new(step);
        int[] tokens = new int[sequences * length];
        int[] targets = new int[tokens.Length];
        for (int sequence = 0; sequence < sequences; sequence++)
        {
            int next = random.Next(vocab);
            for (int i = 0; i < length; i++)
            {
                tokens[(sequence * length) + i] = next;
                next = random.Next(vocab);
                targets[(sequence * length) + i] = next;
            }
        }

        return new(sequences, length, tokens, targets);
    }
}

/// <summary>AdamW as both use it: matrices decay, vectors (norms, biases) do not; gradients are clipped by their global norm.</summary>
internal static class Settings
{
    public const double LearningRate = 1e-4;
    public const double Beta1 = 0.9f;
    public const double Beta2 = 0.95f;
    public const double Epsilon = 1e-8f;
    public const double WeightDecay = 0.1f;
    public const double ClipNorm = 1f;
}
