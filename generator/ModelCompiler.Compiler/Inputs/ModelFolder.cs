using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>The element type of a published tensor.</summary>
public enum TensorType
{
    F32,
    F16,
    BF16,

    /// <summary>Another type of the safetensors format. Such a tensor may lie in a file, but no operation can use it.</summary>
    Unsupported,
}

/// <summary>
/// One tensor as its file's header declares it.
/// <paramref name="OffsetBytes"/> counts from the first byte of <paramref name="File"/>.
/// </summary>
public sealed record TensorInfo(string Name, TensorType Type, EquatableArray<int> Shape, string File, long OffsetBytes, long LengthBytes)
{
    /// <summary>The element type as the file spells it.</summary>
    public string TypeName { get; init; } = Type.ToString();
}

/// <summary>A text file by its name as the user knows it (path relative to where the build runs, or absolute).</summary>
public sealed record TextFile(string Path, string Text);

/// <summary>
/// Everything that the compiler core needs to know of a model, as values without any handle to a file: the parsed
/// config with positions, and every tensor of its weight files by name (sorted ordinally; sorted here when they are not).
/// </summary>
public sealed record ModelInputs(string Name, ModelConfig Config, EquatableArray<TensorInfo> Tensors)
{
    /// <summary>By name, ordinally.</summary>
    public EquatableArray<TensorInfo> Tensors { get; init; } = Sorted(Tensors);

    /// <summary>The tensor of that name, or null. Logarithmic.</summary>
    public TensorInfo? Find(string name)
    {
        int low = 0;
        int high = Tensors.Count - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            int order = string.CompareOrdinal(Tensors[middle].Name, name);
            if (order == 0)
            {
                return Tensors[middle];
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return null;
    }

    private static EquatableArray<TensorInfo> Sorted(EquatableArray<TensorInfo> tensors)
    {
        for (int i = 1; i < tensors.Count; i++)
        {
            if (string.CompareOrdinal(tensors[i - 1].Name, tensors[i].Name) > 0)
            {
                return tensors.OrderBy(tensor => tensor.Name, StringComparer.Ordinal).ToEquatable();
            }
        }

        return tensors;
    }
}
