using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ModelCompiler.Runtime.Training;

/// <summary>
/// The arithmetic of <see cref="AdamW"/> over a run of parameters. Element by element, without fused operations: the same bits for any width
/// of a register. It is bound by memory, not by arithmetic: 16 bytes are read and 16 written for each parameter.
/// </summary>
internal static unsafe class AdamWBlocks
{
    /// <summary>Lanes that sums are defined over; runs are multiples of it.</summary>
    public const int Lanes = 16;

    /// <summary>
    /// m ← m + (1 − β₁)(g − m), v ← v + (1 − β₂)(g² − v), w ← w · keep − m · rate / (√v · root + ε), g ← 0, with g = gradient · clip.
    /// </summary>
    /// <param name="w">[count] parameters; 64-byte aligned, as all four.</param>
    /// <param name="g">[count] gradients.</param>
    /// <param name="m">[count] mean gradients.</param>
    /// <param name="v">[count] mean squares.</param>
    /// <param name="count">A multiple of 16.</param>
    /// <param name="step">The numbers of this step.</param>
    /// <param name="keep">1 − learning rate · λ, or 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Update(float* w, float* g, float* m, float* v, long count, in AdamWStep step, float keep)
    {
        Vector512<float> clip = Vector512.Create(step.Clip);
        Vector512<float> newMean = Vector512.Create(step.NewMean);
        Vector512<float> newSquare = Vector512.Create(step.NewSquare);
        Vector512<float> rate = Vector512.Create(step.Rate);
        Vector512<float> root = Vector512.Create(step.Root);
        Vector512<float> epsilon = Vector512.Create(step.Epsilon);
        Vector512<float> kept = Vector512.Create(keep);
        for (long i = 0; i < count; i += Lanes)
        {
            Vector512<float> gradient = Vector512.LoadAligned(g + i) * clip;
            Vector512<float> mean = Vector512.LoadAligned(m + i);
            Vector512<float> square = Vector512.LoadAligned(v + i);
            mean += newMean * (gradient - mean);
            square += newSquare * ((gradient * gradient) - square);
            Vector512<float> moved = mean * rate / ((Vector512.Sqrt(square) * root) + epsilon);
            ((Vector512.LoadAligned(w + i) * kept) - moved).StoreAligned(w + i);
            mean.StoreAligned(m + i);
            square.StoreAligned(v + i);
            Vector512<float>.Zero.StoreAligned(g + i);
        }
    }

    /// <summary>Σ g², in double precision over 16 lanes and one tree. Squares of float32 are exact in double. NaN and ∞ stay what they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double SumOfSquares(float* g, long count)
    {
        Vector512<double> low = Vector512<double>.Zero;
        Vector512<double> high = Vector512<double>.Zero;
        for (long i = 0; i < count; i += Lanes)
        {
            (Vector512<double> a, Vector512<double> b) = Vector512.Widen(Vector512.LoadAligned(g + i));
            low += a * a;
            high += b * b;
        }

        Vector512<double> eight = low + high;
        Vector256<double> four = eight.GetLower() + eight.GetUpper();
        Vector128<double> two = four.GetLower() + four.GetUpper();
        return two[0] + two[1];
    }
}

/// <summary>The numbers of one step of <see cref="AdamW"/>, rounded to float32 once.</summary>
/// <param name="Clip">Factor of the gradients.</param>
/// <param name="NewMean">1 − β₁.</param>
/// <param name="NewSquare">1 − β₂.</param>
/// <param name="Rate">Learning rate / (1 − β₁ᵗ).</param>
/// <param name="Root">1 / √(1 − β₂ᵗ).</param>
/// <param name="Epsilon">ε.</param>
internal readonly record struct AdamWStep(float Clip, float NewMean, float NewSquare, float Rate, float Root, float Epsilon)
{
    /// <summary>Step <paramref name="t"/>, counted from 1. In IEEE operations only, so that every machine gets the same.</summary>
    public static AdamWStep Of(AdamWOptions options, double learningRate, long t, double gradientNorm) => new(
        // The small number keeps a norm of 0 from being divided by; torch.nn.utils.clip_grad_norm_ has the same.
        options.ClipNorm == 0 ? 1 : (float)Math.Min(1, options.ClipNorm / (gradientNorm + 1e-6)),
        (float)(1 - options.Beta1),
        (float)(1 - options.Beta2),
        (float)(learningRate / (1 - Power(options.Beta1, t))),
        (float)(1 / Math.Sqrt(1 - Power(options.Beta2, t))),
        (float)options.Epsilon);

    /// <summary>βᵗ by squaring: <see cref="Math.Pow"/> is the C library's, and differs between systems.</summary>
    private static double Power(double beta, long t)
    {
        double power = 1;
        for (; t > 0; t >>= 1, beta *= beta)
        {
            power *= (t & 1) == 1 ? beta : 1;
        }

        return power;
    }
}
