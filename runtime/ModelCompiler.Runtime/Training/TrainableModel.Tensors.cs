namespace ModelCompiler.Runtime.Training;

// Parameters from outside: by the names and in the layout that they are published in, or flat, for an optimizer.
public abstract unsafe partial class TrainableModel
{
    /// <summary>Floats of a block of <see cref="ForBlocks"/>.</summary>
    internal const int BlockFloats = 16_384;

    private readonly Dictionary<string, TrainingTensor> tensors;

    /// <summary>Trained numbers, padding not counted.</summary>
    public long ParameterCount => Description.Tensors.Sum(tensor => tensor.Length);

    /// <summary>Bytes that the parameters take, padding included; their gradients take as many.</summary>
    public long LengthBytes => Description.ParametersLengthBytes;

    /// <summary>Floats of the parameters, padding included: a multiple of 16.</summary>
    internal long LengthFloats => Description.ParametersLengthBytes / sizeof(float);

    /// <summary>[LengthFloats], 64-byte aligned, padding 0.</summary>
    internal float* Parameters => memory.Parameters.Floats;

    /// <summary>[LengthFloats], 64-byte aligned, padding 0.</summary>
    internal float* Gradients => memory.Gradients.Floats;

    /// <summary>The parameters from the first to the last, in pieces that decay or do not.</summary>
    internal IReadOnlyList<ParameterRange> Ranges => ranges ??= FindRanges();

    private IReadOnlyList<ParameterRange>? ranges;

    /// <summary>Copies a tensor out, as it is published.</summary>
    /// <param name="name">Its published name.</param>
    /// <param name="published">Row by row, as long as the tensor.</param>
    /// <exception cref="ArgumentException">No trained tensor has this name, or it has another length.</exception>
    public void ReadTensor(string name, Span<float> published) => ReadPublished(Parameters, name, published);

    /// <summary>Copies some rows of a tensor out: indices <paramref name="firstRow"/> … of its published first dimension.</summary>
    /// <param name="name">Its published name.</param>
    /// <param name="firstRow">From 0.</param>
    /// <param name="rows">Row by row, as many as it holds.</param>
    /// <exception cref="ArgumentException">No trained tensor has this name, or it does not have these rows.</exception>
    public void ReadTensorRows(string name, int firstRow, Span<float> rows) => ReadPublishedRows(Parameters, name, firstRow, rows);

    /// <summary>Sets a tensor to what is published.</summary>
    /// <param name="name">Its published name.</param>
    /// <param name="published">Row by row, as long as the tensor.</param>
    /// <exception cref="ArgumentException">No trained tensor has this name, or it has another length.</exception>
    public void WriteTensor(string name, ReadOnlySpan<float> published) => WritePublished(Parameters, name, published);

    /// <summary>Sets some rows of a tensor, so that a large one need not lie in memory twice: indices <paramref name="firstRow"/> … of its published first dimension.</summary>
    /// <param name="name">Its published name.</param>
    /// <param name="firstRow">From 0.</param>
    /// <param name="rows">Row by row, as many as it holds.</param>
    /// <exception cref="ArgumentException">No trained tensor has this name, or it does not have these rows.</exception>
    public void WriteTensorRows(string name, int firstRow, ReadOnlySpan<float> rows) => WritePublishedRows(Parameters, name, firstRow, rows);

    /// <summary>Copies the gradient of a tensor out, in the layout of the published tensor.</summary>
    /// <param name="name">The tensor's published name.</param>
    /// <param name="published">Row by row, as long as the tensor.</param>
    /// <exception cref="ArgumentException">No trained tensor has this name, or it has another length.</exception>
    public void ReadGradient(string name, Span<float> published) => ReadPublished(Gradients, name, published);

    /// <summary>
    /// Copies a tensor's numbers out of any buffer laid out as <see cref="Parameters"/> are. Of the parameters themselves, what packing added is
    /// taken off (norms that are published minus one).
    /// </summary>
    internal void ReadPublished(float* buffer, string name, Span<float> published)
    {
        lock (stepLock)
        {
            TrainingTensor tensor = Find(name, published.Length);
            tensor.Gather(buffer, 0, published, buffer == Parameters ? tensor.Addend : 0);
        }
    }

    /// <summary>Some rows of <see cref="ReadPublished"/>.</summary>
    internal void ReadPublishedRows(float* buffer, string name, int firstRow, Span<float> rows)
    {
        lock (stepLock)
        {
            TrainingTensor tensor = FindRows(name, firstRow, rows.Length);
            tensor.Gather(buffer, firstRow, rows, buffer == Parameters ? tensor.Addend : 0);
        }
    }

    /// <summary>The opposite of <see cref="ReadPublished"/>.</summary>
    internal void WritePublished(float* buffer, string name, ReadOnlySpan<float> published)
    {
        lock (stepLock)
        {
            TrainingTensor tensor = Find(name, published.Length);
            tensor.Scatter(published, 0, buffer, buffer == Parameters ? tensor.Addend : 0);
        }
    }

    /// <summary>Some rows of <see cref="WritePublished"/>.</summary>
    internal void WritePublishedRows(float* buffer, string name, int firstRow, ReadOnlySpan<float> rows)
    {
        lock (stepLock)
        {
            TrainingTensor tensor = FindRows(name, firstRow, rows.Length);
            tensor.Scatter(rows, firstRow, buffer, buffer == Parameters ? tensor.Addend : 0);
        }
    }

    /// <summary>Runs <paramref name="body"/> once for each of 0 … <paramref name="count"/> − 1, on all workers, in no order. Not from inside itself.</summary>
    internal void ParallelFor(int count, Action<int> body)
    {
        lock (stepLock)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            runner.ForEach(count, body);
        }
    }

    /// <summary>Runs <paramref name="body"/>(first, count) for <paramref name="length"/> floats in blocks of <see cref="BlockFloats"/>, the same whatever the threads; the last one may be shorter.</summary>
    internal void ForBlocks(long length, Action<long, int> body)
        => ParallelFor((int)((length + BlockFloats - 1) / BlockFloats), block =>
        {
            long first = (long)block * BlockFloats;
            body(first, (int)Math.Min(BlockFloats, length - first));
        });

    private TrainingTensor Find(string name, int length)
    {
        TrainingTensor tensor = Find(name);
        return length == tensor.Length
            ? tensor
            : throw new ArgumentException($"Tensor '{name}' [{string.Join(" × ", tensor.Shape)}]: found {length} numbers, expected {tensor.Length}.");
    }

    private TrainingTensor FindRows(string name, int firstRow, int length)
    {
        TrainingTensor tensor = Find(name);
        return firstRow >= 0 && firstRow <= tensor.Shape[0] && length % tensor.RowLength == 0 && length / tensor.RowLength <= tensor.Shape[0] - firstRow
            ? tensor
            : throw new ArgumentException($"Tensor '{name}' [{string.Join(" × ", tensor.Shape)}]: found {length} numbers from row {firstRow} on, expected whole rows of it, {tensor.RowLength} numbers each.");
    }

    private TrainingTensor Find(string name)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return tensors.TryGetValue(name, out TrainingTensor? tensor)
            ? tensor
            : throw new ArgumentException($"Found the tensor '{name}', which model '{Description.Name}' does not train, expected one of {nameof(TrainingDescription)}.{nameof(TrainingDescription.Tensors)}.");
    }

    /// <summary>Vectors do not decay; everything between them does.</summary>
    private List<ParameterRange> FindRanges()
    {
        List<ParameterRange> found = [];
        long end = 0;
        IEnumerable<RowSegment> vectors = Description.Tensors.Where(tensor => !tensor.Decays).SelectMany(tensor => tensor.Segments).Cast<RowSegment>();
        foreach (RowSegment vector in vectors.OrderBy(vector => vector.Offset))
        {
            // Parts of a vector lie side by side with gaps of padding, and begin at multiples of 16 all the same.
            long first = vector.Offset / 16 * 16, last = Math.Min((vector.Offset + vector.Outputs + 15) / 16 * 16, LengthFloats);
            Add(end, first, decays: true);
            Add(Math.Max(first, end), last, decays: false);
            end = last;
        }

        Add(end, LengthFloats, decays: true);
        return found;

        void Add(long first, long last, bool decays)
        {
            if (first >= last)
            {
                return;
            }

            if (found.Count > 0 && found[^1].Decays == decays)
            {
                found[^1] = found[^1] with { Length = last - found[^1].First };
            }
            else
            {
                found.Add(new ParameterRange(first, last - first, decays));
            }
        }
    }
}
