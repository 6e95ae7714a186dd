using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov, Hutter, arXiv 1711.05101), with the equations that PyTorch documents for
/// <c>torch.optim.AdamW</c>, after clipping by the norm of all gradients together (<c>torch.nn.utils.clip_grad_norm_</c>):
/// <para>g ← g · min(1, clip / (‖g‖ + 10⁻⁶)); w ← w · (1 − rate · λ); m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²;
/// w ← w − rate / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)</para>
/// The same bits for any number of threads and any processor. Holds twice the size of the parameters; runs on the model's own threads.
/// </summary>
public sealed unsafe class AdamW : IDisposable
{
    private readonly TrainableModel model;
    private readonly NativeBlock means;
    private readonly NativeBlock squares;
    private readonly double[] blockSums;
    private readonly Action<int> sumBlock;
    private readonly Action<int> updateBlock;
    private AdamWStep step;
    private float kept = 1;

    /// <param name="model">Whose parameters are to be moved. It must outlive this.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public AdamW(TrainableModel model, AdamWOptions? options = null)
    {
        Options = options ?? new();
        Options.Check();
        this.model = model;
        means = new NativeBlock(model.LengthFloats * sizeof(float), "the optimizer's means");
        squares = new NativeBlock(model.LengthFloats * sizeof(float), "the optimizer's mean squares");
        blockSums = new double[checked((int)((model.LengthFloats + TrainableModel.BlockFloats - 1) / TrainableModel.BlockFloats))];
        sumBlock = SumBlock;
        updateBlock = UpdateBlock;
    }

    /// <summary>Its options.</summary>
    public AdamWOptions Options { get; }

    /// <summary>Steps taken.</summary>
    public long StepCount { get; private set; }

    internal float* Means => (float*)means.Pointer;

    internal float* Squares => (float*)squares.Pointer;

    /// <summary>‖g‖ of all gradients together. NaN or ∞ when one of them is.</summary>
    public double GradientNorm()
    {
        model.ParallelFor(blockSums.Length, sumBlock);
        double sum = 0;
        foreach (double part in blockSums)
        {
            sum += part;
        }

        return Math.Sqrt(sum);
    }

    /// <summary>Moves the parameters by the gradients, and leaves the gradients at zero.</summary>
    /// <param name="learningRate">At least 0.</param>
    /// <returns>The norm that the gradients had, before clipping.</returns>
    /// <exception cref="NotFiniteTrainingException">A gradient is not a finite number. The parameters have not changed.</exception>
    public double Step(double learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(learningRate);
        double norm = GradientNorm();
        if (!double.IsFinite(norm))
        {
            throw new NotFiniteTrainingException("the norm of the gradients", norm, StepCount + 1, checkpoint: null);
        }

        StepCount++;
        step = AdamWStep.Of(Options, learningRate, StepCount, norm);
        kept = (float)(1 - (learningRate * Options.WeightDecay));
        model.ParallelFor(blockSums.Length, updateBlock);
        return norm;
    }

    /// <summary>Takes up the state of a checkpoint, whose means and squares have been written to <see cref="Means"/> and <see cref="Squares"/>.</summary>
    internal void TakeUp(long stepCount) => StepCount = stepCount;

    /// <inheritdoc/>
    public void Dispose()
    {
        means.Dispose();
        squares.Dispose();
    }

    private void SumBlock(int block)
    {
        long first = (long)block * TrainableModel.BlockFloats;
        blockSums[block] = AdamWBlocks.SumOfSquares(model.Gradients + first, Math.Min(TrainableModel.BlockFloats, model.LengthFloats - first));
    }

    private void UpdateBlock(int block)
    {
        long at = (long)block * TrainableModel.BlockFloats;
        long end = Math.Min(at + TrainableModel.BlockFloats, model.LengthFloats);
        IReadOnlyList<ParameterRange> ranges = model.Ranges;
        for (int i = RangeOf(ranges, at); at < end; i++)
        {
            long next = Math.Min(end, ranges[i].First + ranges[i].Length);
            AdamWBlocks.Update(model.Parameters + at, model.Gradients + at, Means + at, Squares + at, next - at, step, ranges[i].Decays ? kept : 1);
            at = next;
        }
    }

    /// <summary>The range that holds a parameter; ranges follow each other and cover all.</summary>
    private static int RangeOf(IReadOnlyList<ParameterRange> ranges, long at)
    {
        int low = 0;
        int high = ranges.Count - 1;
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            (low, high) = ranges[middle].First <= at ? (middle, high) : (low, middle - 1);
        }

        return low;
    }
}
