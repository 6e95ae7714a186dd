namespace ModelCompiler.Compiler.Inputs;

/// <summary>Gives the numbers of published tensors. The core does no I/O: whoever opened the files implements this.</summary>
public interface ITensorSource
{
    /// <summary>
    /// Elements <paramref name="first"/> … first + destination.Length − 1 of a tensor, counted row by row, as float32 (exact for
    /// every <see cref="TensorType"/>). May be called from several threads at once. Throws
    /// <see cref="Diagnostics.ModelException"/> where the file no longer holds them.
    /// </summary>
    void Read(TensorInfo tensor, long first, Span<float> destination);
}
