using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ModelCompiler.Onnx;

/// <summary>
/// Keys and values of all layers in the device's memory (in the CPU's, where they will be carried over), for so many positions at most: [1, kvHeads, positions, headDim] each. A run reads
/// one of these and writes another, so that a failed one leaves the past as it was.
/// </summary>
internal sealed unsafe class OnnxCache : IDisposable
{
    private readonly OrtMemoryAllocation[] tensors; // keys and values of layer 0, of layer 1, …

    /// <exception cref="OnnxRuntimeException">The device has not so much memory.</exception>
    public OnnxCache(OnnxModel model, int capacity)
    {
        Capacity = capacity;
        IsReadable = model.CacheMemory == OrtAllocator.DefaultInstance;
        tensors = new OrtMemoryAllocation[2 * model.Shape.Layers];
        try
        {
            for (int i = 0; i < tensors.Length; i++)
            {
                tensors[i] = Allocate(model, model.Shape.LayerBytes * capacity);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Positions that there is room for.</summary>
    public int Capacity { get; }

    /// <summary>True when the CPU can read it.</summary>
    public bool IsReadable { get; }

    /// <summary>Its memory was given back.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Tensor <paramref name="index"/> as float32, its first <paramref name="positions"/>: [kvHeads, positions, headDim].</summary>
    public void Copy(int index, OnnxShape shape, int positions, Span<float> destination)
    {
        int count = shape.KvHeads * positions * shape.HeadDim;
        void* numbers = (void*)tensors[index].DangerousGetHandle();
        if (!shape.IsHalf)
        {
            new ReadOnlySpan<float>(numbers, count).CopyTo(destination);
            return;
        }

        ReadOnlySpan<Half> halves = new(numbers, count);
        for (int i = 0; i < count; i++)
        {
            destination[i] = (float)halves[i];
        }
    }

    /// <summary>Names of the inputs and outputs that the tensors are, in their order.</summary>
    public static string[] Names(int layers, string prefix)
        => [.. Enumerable.Range(0, layers).SelectMany(layer => new[] { $"{prefix}.{layer}.key", $"{prefix}.{layer}.value" })];

    /// <summary>The first <paramref name="positions"/> of each tensor are read.</summary>
    public void BindInputs(OrtIoBinding binding, string[] names, OnnxShape shape, int positions)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            binding.BindInput(names[i], TypeOf(shape), ShapeOf(shape, positions), tensors[i]);
        }
    }

    /// <summary>The first <paramref name="positions"/> of each tensor are written.</summary>
    public void BindOutputs(OrtIoBinding binding, string[] names, OnnxShape shape, int positions)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            binding.BindOutput(names[i], TypeOf(shape), ShapeOf(shape, positions), tensors[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        IsDisposed = true;
        foreach (OrtMemoryAllocation? tensor in tensors)
        {
            tensor?.Dispose();
        }
    }

    private static OrtMemoryAllocation Allocate(OnnxModel model, long lengthBytes) => lengthBytes <= uint.MaxValue
        ? model.CacheMemory.Allocate((uint)lengthBytes)
        : throw new OnnxMemoryException($"keys and values: found {lengthBytes:N0} bytes for one layer, expected at most {uint.MaxValue:N0}, which is what ONNX Runtime's managed library can take at once. Read shorter texts.");

    private static TensorElementType TypeOf(OnnxShape shape) => shape.IsHalf ? TensorElementType.Float16 : TensorElementType.Float;

    private static long[] ShapeOf(OnnxShape shape, int positions) => [1, shape.KvHeads, positions, shape.HeadDim];
}
