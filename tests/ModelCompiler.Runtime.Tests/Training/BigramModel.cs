using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Runtime.Tests.Training;

/// <summary>
/// A trainable model that a compiler might have emitted, small enough to be checked by hand: logits = table[token] + bias. The table is a matrix, which
/// decays; the bias a vector, which does not.
/// </summary>
internal sealed unsafe class BigramModel : TrainableModel
{
    public const int Vocab = 40;
    private const int Stride = 48;
    private const int BiasOffset = Vocab * Stride;

    public BigramModel(int threads = 1, string modelHash = "b")
        : base(Describe() with { ModelHash = modelHash }, new TrainingLoadOptions { Threads = threads })
    {
    }

    /// <summary>Called by worker 0 before the losses are computed.</summary>
    public Action? Interfere { get; set; }

    public float[] Read(string name)
    {
        float[] numbers = new float[name == "bias" ? Vocab : Vocab * Vocab];
        ReadTensor(name, numbers);
        return numbers;
    }

    /// <summary>Numbers that are the same in every test.</summary>
    public BigramModel Fill()
    {
        WriteTensor("table", [.. Enumerable.Range(0, Vocab * Vocab).Select(i => MathF.Sin(i * 0.37f) * 0.1f)]);
        WriteTensor("bias", [.. Enumerable.Range(0, Vocab).Select(i => MathF.Cos(i) * 0.05f)]);
        return this;
    }

    protected override void Execute(InstructionSet instructionSet, Worker worker)
    {
        if (worker.Index == 0)
        {
            Interfere?.Invoke();
        }

        worker.Barrier();
        if (worker.Index > 0)
        {
            return;
        }

        float* table = (float*)worker.Trainable;
        float* gradients = (float*)worker.Gradients;
        double[] p = new double[Vocab];
        for (int row = 0; row < worker.Rows; row++)
        {
            int target = worker.Targets[row];
            if (target < 0)
            {
                worker.Losses[row] = 0;
                continue;
            }

            float* logits = table + (worker.Tokens[row] * Stride);
            double sum = 0;
            for (int i = 0; i < Vocab; i++)
            {
                p[i] = Math.Exp(logits[i] + table[BiasOffset + i]);
                sum += p[i];
            }

            worker.Losses[row] = (float)-Math.Log(p[target] / sum);
            for (int i = 0; !worker.LossOnly && i < Vocab; i++)
            {
                float gradient = (float)((p[i] / sum) - (i == target ? 1 : 0)) * worker.LossScale;
                gradients[(worker.Tokens[row] * Stride) + i] += gradient;
                gradients[BiasOffset + i] += gradient;
            }
        }
    }

    private static TrainingDescription Describe() => new()
    {
        Name = "bigrams", Family = "bigrams", Layers = 0, RecomputedLayers = 0, Vocab = Vocab, ContextLength = 64, PlanHash = new string('a', 64), ModelHash = "",
        ParametersLengthBytes = (BiasOffset + 48) * sizeof(float), ArenaFloatsPerRow = 16, LocalFloats = 16, LocalFloatsPerRow = 0,
        LocalFloatsPerPosition = 0, LogitsFloats = 16, InstructionSets = [InstructionSet.Avx512, InstructionSet.Portable],
        Tensors =
        [
            new("table", [Vocab, Vocab], Transposed: false, [new RowSegment(0, Vocab, 0, Vocab, 0, Stride)]),
            new("bias", [Vocab], Transposed: false, [new RowSegment(0, Vocab, 0, 1, BiasOffset, 1)]),
        ],
    };
}
