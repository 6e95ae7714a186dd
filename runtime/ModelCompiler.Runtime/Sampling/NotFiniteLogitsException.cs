namespace ModelCompiler.Runtime.Sampling;

/// <summary>The model's logits hold NaN or +∞: its weights are damaged, or an activation left the range of float32.</summary>
public sealed class NotFiniteLogitsException : InvalidOperationException
{
    internal NotFiniteLogitsException(float found)
        : base($"The model's logits are not finite numbers: the largest is {found}. Loading with {nameof(LoadOptions)}.{nameof(LoadOptions.VerifyHash)} tells whether the packed weights are damaged.")
    {
    }

    /// <summary>−∞ in some places is a masked token, and allowed.</summary>
    /// <exception cref="NotFiniteLogitsException">One of them is NaN or +∞, or all are −∞.</exception>
    internal static void ThrowIfNot(ReadOnlySpan<float> logits)
    {
        float max = Sampler.Max(logits);
        if (!float.IsFinite(max))
        {
            throw new NotFiniteLogitsException(max);
        }
    }
}
