using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>The element type of a published tensor.</summary>
public enum TensorType
{
    F32,
    F16,
    BF16,
}

/// <summary>
/// One tensor as its file's header declares it.
/// <paramref name="OffsetBytes"/> counts from the first byte of <paramref name="File"/>.
/// </summary>
public sealed record TensorInfo(string Name, TensorType Type, EquatableArray<int> Shape, string File, long OffsetBytes, long LengthBytes);

/// <summary>A text file by its name as the user knows it (path relative to where the build runs, or absolute).</summary>
public sealed record TextFile(string Path, string Text);

/// <summary>
/// Everything that the compiler core needs to know of a model, as values without any handle to a file: the parsed
/// config with positions, and every tensor of its weight files by name (sorted ordinally).
/// </summary>
public sealed record ModelInputs(string Name, ModelConfig Config, EquatableArray<TensorInfo> Tensors)
{
    /// <summary>The tensor of that name, or null.</summary>
    public TensorInfo? Find(string name)
    {
        foreach (TensorInfo tensor in Tensors)
        {
            if (tensor.Name == name)
            {
                return tensor;
            }
        }

        return null;
    }
}
