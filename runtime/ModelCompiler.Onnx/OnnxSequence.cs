using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Onnx;

/// <summary>One sequence: keys and values stay in the device's memory from run to run; tokens go there, logits come back.</summary>
internal sealed unsafe class OnnxSequence(OnnxModel model) : IOffloadedSequence
{
    private const int LeastCapacity = 64;

    private readonly OnnxShape shape = model.Shape;
    private readonly string[] pastNames = OnnxCache.Names(model.Shape.Layers, "past_key_values");
    private readonly string[] presentNames = OnnxCache.Names(model.Shape.Layers, "present");
    private OnnxCache? past;
    private OnnxCache? spare;
    private int read;

    /// <summary>A forgotten sequence frees its device memory while the model is there.</summary>
    ~OnnxSequence() => Free();

    /// <inheritdoc/>
    public long CacheBytes => Bytes(past?.Capacity ?? 0) + Bytes(spare?.Capacity ?? 0);

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<int> tokens, Span<float> logits, int stride, CancellationToken cancellation)
    {
        int before = read;
        int rows = stride == 0 ? 0 : logits.Length / stride;
        try
        {
            while (read < tokens.Length)
            {
                cancellation.ThrowIfCancellationRequested();
                int length = Math.Min(tokens.Length - read, model.Options.PromptChunk);
                int end = read + length;
                int firstRow = tokens.Length - rows;
                int kept = Math.Max(0, end - Math.Max(firstRow, read));
                Run(tokens.Slice(read, length), kept, kept == 0 ? [] : logits[((end - kept - firstRow) * stride)..], stride, cancellation);
            }
        }
        catch
        {
            // What chunks before the failed one added cannot be cut off in place: forgotten, and read again by the next call.
            read = read == before ? before : 0;
            throw;
        }
    }

    /// <inheritdoc/>
    public void Truncate(int position) => read = position < read ? 0 : read;

    /// <inheritdoc/>
    public void CopyCache(int layer, Span<float> keys, Span<float> values)
    {
        if (past is not { IsReadable: true } cache)
        {
            throw new InvalidOperationException($"The cache lies on the device; it is carried over only where {nameof(OnnxOffload.Work)} is {nameof(OffloadedWork.Prompts)}.");
        }

        cache.Copy(2 * layer, shape, read, keys);
        cache.Copy((2 * layer) + 1, shape, read, values);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        model.Free(past);
        model.Free(spare);
        past = spare = null;
        read = 0;
    }

    private void Run(ReadOnlySpan<int> tokens, int kept, Span<float> logits, int stride, CancellationToken cancellation)
    {
        try
        {
            Reserve(read + tokens.Length);
            RunBound(tokens, kept, logits, stride, cancellation);
        }
        catch (OnnxRuntimeException fault)
        {
            cancellation.ThrowIfCancellationRequested();
            throw OnnxFaults.Running(fault, model.Options, read, tokens.Length);
        }

        (past, spare) = (spare, past);
        read += tokens.Length;
    }

    private void RunBound(ReadOnlySpan<int> tokens, int kept, Span<float> logits, int stride, CancellationToken cancellation)
    {
        // One row at least is computed: the graph takes 0 for all.
        int rows = model.ChoosesLogits ? Math.Max(kept, 1) : tokens.Length;
        using OrtIoBinding binding = model.Session.CreateIoBinding();
        using OrtMemoryAllocation ids = Integers(tokens.Length), positions = Integers(tokens.Length), keep = Integers(1);
        long resultBytes = (long)rows * shape.Vocab * sizeof(float);
        using OrtMemoryAllocation result = resultBytes <= uint.MaxValue ? OrtAllocator.DefaultInstance.Allocate((uint)resultBytes) : throw new OnnxMemoryException(
            $"logits: found {resultBytes:N0} bytes for {rows} tokens, expected at most {uint.MaxValue:N0}, which is what ONNX Runtime's managed library can take at once. Read a prompt in smaller pieces ({nameof(OnnxOffload.PromptChunk)}).");
        for (int i = 0; i < tokens.Length; i++)
        {
            ((long*)ids.DangerousGetHandle())[i] = tokens[i];
            ((long*)positions.DangerousGetHandle())[i] = read + i;
        }

        *(long*)keep.DangerousGetHandle() = rows;
        binding.BindInput("input_ids", TensorElementType.Int64, [1, tokens.Length], ids);
        binding.BindInput("position_ids", TensorElementType.Int64, [1, tokens.Length], positions);
        if (model.ChoosesLogits)
        {
            binding.BindInput(OnnxModel.LogitsToKeep, TensorElementType.Int64, [1], keep);
        }

        past!.BindInputs(binding, pastNames, shape, read);
        binding.BindOutput("logits", TensorElementType.Float, [1, rows, shape.Vocab], result);
        spare!.BindOutputs(binding, presentNames, shape, read + tokens.Length);
        using RunOptions options = new();
        using (cancellation.Register(() => options.Terminate = true))
        {
            model.Run(() =>
            {
                model.Session.RunWithBinding(options, binding);
                binding.SynchronizeBoundOutputs();
            });
        }

        for (int row = 0; row < kept; row++)
        {
            new ReadOnlySpan<float>((float*)result.DangerousGetHandle() + ((long)(rows - kept + row) * shape.Vocab), shape.Vocab).CopyTo(logits[(row * stride)..]);
        }
    }

    private static OrtMemoryAllocation Integers(int count) => OrtAllocator.DefaultInstance.Allocate((uint)count * sizeof(long));

    /// <summary>Makes room for what the run writes. It grows by doubling, within the limit and what the device gives; if that is too much, by what is needed.</summary>
    private void Reserve(int positions)
    {
        past ??= model.AllocateCache(1);
        if (spare is null || spare.Capacity < positions)
        {
            model.Free(spare);
            spare = null;
            int doubled = Math.Min(shape.ContextLength, Math.Max(LeastCapacity, 2 * positions));
            if (!Fits(positions))
            {
                throw new OnnxMemoryException(
                    $"keys and values: found that {positions} positions need {Bytes(past.Capacity) + Bytes(positions):N0} bytes, expected at most {model.Options.CacheLimitBytes:N0} ({nameof(OnnxOffload.CacheLimitBytes)}). Read shorter texts, or raise the limit.");
            }

            spare = Grow(Fits(doubled) ? doubled : positions, positions, model.AllocateCache);
        }
    }

    /// <summary>As much as is wanted, or, where the device has not so much left, as is needed.</summary>
    internal static T Grow<T>(int wanted, int needed, Func<int, T> allocate)
    {
        try
        {
            return allocate(wanted);
        }
        catch (Exception fault) when (wanted > needed && fault is (OnnxRuntimeException or OnnxMemoryException))
        {
            return allocate(needed);
        }
    }

    private bool Fits(int capacity) => model.Options.CacheLimitBytes is not long limit || Bytes(past!.Capacity) + Bytes(capacity) <= limit;

    private long Bytes(int capacity) => 2 * shape.Layers * shape.LayerBytes * capacity;
}
