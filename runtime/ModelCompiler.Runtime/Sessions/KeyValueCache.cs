using ModelCompiler.Runtime.Memory;
using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Runtime.Sessions;

/// <summary>
/// Keys and values of one sequence, in pages of <see cref="PagePositions"/> positions of all layers that are taken, zeroed, when a
/// position in them is first needed.
/// </summary>
internal sealed unsafe class KeyValueCache : IDisposable
{
    /// <summary>Positions of a page.</summary>
    public const int PagePositions = CacheLayout.PagePositions;

    private readonly long pageBytes;
    private readonly CacheLayout layout;
    private readonly List<NativeBlock> pages = [];
    private readonly NativeBlock index;

    public KeyValueCache(ModelDescription description)
    {
        layout = description.Cache;
        pageBytes = Math.Max(layout.PageBytes, NativeBlock.AlignmentBytes);
        index = new NativeBlock((PagesFor(description.ContextLength) + 1L) * sizeof(byte*), "the index of a key/value cache");
    }

    /// <summary>[position / 64]: the page, or null.</summary>
    public byte** Pages => (byte**)index.Pointer;

    /// <summary>Memory taken.</summary>
    public long LengthBytes => (pageBytes * pages.Count) + index.LengthBytes;

    /// <summary>Takes the pages of positions 0 … <paramref name="positions"/> − 1.</summary>
    public void Reserve(int positions)
    {
        while (pages.Count < PagesFor(positions))
        {
            NativeBlock page = new(pageBytes, $"page {pages.Count} of a key/value cache");
            pages.Add(page);
            Pages[pages.Count - 1] = page.Bytes;
        }
    }

    /// <summary>
    /// Makes everything from position <paramref name="positions"/> on zero, as if it had never been used: a stale number is multiplied
    /// with an attention weight of zero, and only a stale infinity would show. Gives back the pages that hold nothing else.
    /// </summary>
    public void Truncate(int positions)
    {
        for (int last = pages.Count - 1; last >= PagesFor(positions); last--)
        {
            Pages[last] = null;
            pages[last].Dispose();
            pages.RemoveAt(last);
        }

        if (positions % PagePositions != 0)
        {
            layout.Clear(Pages[positions / PagePositions], positions % PagePositions);
        }
    }

    /// <summary>Takes over positions 0 … <paramref name="positions"/> − 1 of another cache of the same model.</summary>
    public void CopyFrom(KeyValueCache other, int positions)
    {
        Reserve(positions);
        for (int i = 0; i < PagesFor(positions); i++)
        {
            Buffer.MemoryCopy(other.Pages[i], Pages[i], pageBytes, pageBytes);
        }
    }

    /// <summary>Stores what another processor made of positions 0 … <paramref name="positions"/> − 1, rounded as this cache rounds.</summary>
    public void TakeOver(IOffloadedSequence sequence, ModelDescription description, int positions)
    {
        int headDim = description.HeadDim, headFloats = positions * headDim;
        float[] keys = new float[description.KvHeads * headFloats], values = new float[keys.Length];
        for (int layer = 0; layer < description.Layers; layer++)
        {
            sequence.CopyCache(layer, keys, values);
            for (int head = 0; head < description.KvHeads; head++)
            {
                for (int position = 0; position < positions; position++)
                {
                    int at = (head * headFloats) + (position * headDim);
                    layout.Store(Block(description, layer, head, position), position % PagePositions, keys.AsSpan(at, headDim), values.AsSpan(at, headDim));
                }
            }
        }
    }

    /// <summary>The numbers of a layer, each [kvHeads × positions × headDim], as attention reads them.</summary>
    public void Copy(ModelDescription description, int layer, int positions, Span<float> keys, Span<float> values)
    {
        int headDim = description.HeadDim, headFloats = positions * headDim;
        for (int head = 0; head < description.KvHeads; head++)
        {
            for (int position = 0; position < positions; position++)
            {
                int at = (head * headFloats) + (position * headDim);
                layout.Load(Block(description, layer, head, position), position % PagePositions, keys.Slice(at, headDim), values.Slice(at, headDim));
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (NativeBlock page in pages)
        {
            page.Dispose();
        }

        pages.Clear();
        index.Dispose();
    }

    private uint* Block(ModelDescription description, int layer, int head, int position)
        => (uint*)Pages[position / PagePositions] + (layout.BlockWords * ((layer * description.KvHeads) + head));

    private static int PagesFor(int positions) => (int)(((long)positions + PagePositions - 1) / PagePositions);
}
