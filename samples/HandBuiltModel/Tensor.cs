namespace HandBuiltModel;

/// <summary>A named vector or matrix of zeros, to be filled in; row by row.</summary>
public sealed class Tensor(string name, params int[] shape)
{
    public string Name => name;

    public IReadOnlyList<int> Shape => shape;

    public float[] Values { get; } = new float[shape.Aggregate(1, (product, size) => product * size)];

    public ref float this[int i] => ref Values[i];

    public ref float this[int row, int column] => ref Values[(row * shape[1]) + column];
}
