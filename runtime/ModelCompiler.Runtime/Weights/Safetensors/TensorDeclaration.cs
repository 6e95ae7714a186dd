namespace ModelCompiler.Runtime.Weights.Safetensors;

/// <summary>A tensor of a safetensors file.</summary>
/// <param name="Name">Unique in the file.</param>
/// <param name="Type">Element type as the format writes it: <c>F32</c>, <c>F16</c>, <c>BF16</c>.</param>
/// <param name="Shape">Sizes, the slowest first; rows follow each other.</param>
public sealed record TensorDeclaration(string Name, string Type, IReadOnlyList<int> Shape)
{
    /// <summary>Number of elements.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => checked(product * size));

    /// <summary>Bytes in the file.</summary>
    public long LengthBytes => checked(Elements * ElementBytes(Type));

    /// <exception cref="ArgumentException">No tensor of a model has such elements.</exception>
    private static int ElementBytes(string type) => type switch
    {
        "F32" => 4,
        "F16" or "BF16" => 2,
        _ => throw new ArgumentException($"Found the element type '{type}', expected F32, F16 or BF16."),
    };
}
