namespace ModelCompiler.Runtime.Text;

/// <summary>Memory that one call of Encode works in; kept between calls.</summary>
internal sealed class EncodeWorkspace
{
    /// <summary>The whole text as UTF-8.</summary>
    public readonly GrowingList<byte> Text = new();

    /// <summary>Two buffers between which normalizers go back and forth.</summary>
    public readonly GrowingList<byte> NormalizedA = new();
    public readonly GrowingList<byte> NormalizedB = new();

    /// <summary>The ids so far.</summary>
    public readonly GrowingList<int> Ids = new();

    /// <summary>The symbols of the piece at hand: token ids.</summary>
    public int[] Symbols = new int[64];

    /// <summary>Rank of the merge of a symbol with the next one.</summary>
    public int[] Ranks = new int[64];

    /// <summary>What that merge gives.</summary>
    public int[] Merged = new int[64];

    /// <summary>Neighbours of each symbol of a long piece.</summary>
    public int[] Next = [];
    public int[] Previous = [];

    /// <summary>Merges of a long piece that wait: rank &lt;&lt; 32 | position.</summary>
    public readonly MergeQueue Queue = new();

    /// <summary>Whether it is small enough to be kept for the next call.</summary>
    public bool IsModest => Text.Capacity <= 1 << 20 && Ids.Capacity <= 1 << 20 && Symbols.Length <= 1 << 16;

    /// <summary>Makes room for a piece of <paramref name="count"/> symbols.</summary>
    public void EnsureSymbols(int count)
    {
        if (Symbols.Length < count)
        {
            int size = Math.Max(count, Symbols.Length * 2);
            Symbols = new int[size];
            Ranks = new int[size];
            Merged = new int[size];
        }
    }

    /// <summary>Makes room for the links of a long piece.</summary>
    public void EnsureLinks(int count)
    {
        if (Next.Length < count)
        {
            Next = new int[count];
            Previous = new int[count];
        }
    }
}

/// <summary>An array that grows and that can be read as a span.</summary>
internal sealed class GrowingList<T>
{
    private T[] items = new T[256];

    public int Count { get; private set; }

    public int Capacity => items.Length;

    public ReadOnlySpan<T> Span => items.AsSpan(0, Count);

    public void Clear() => Count = 0;

    public void Add(T item)
    {
        if (Count == items.Length)
        {
            Grow(Count + 1);
        }

        items[Count++] = item;
    }

    public void AddRange(scoped ReadOnlySpan<T> range)
    {
        range.CopyTo(Reserve(range.Length));
        Count += range.Length;
    }

    /// <summary>Room for <paramref name="length"/> more items; <see cref="Advance"/> tells how many of them were written.</summary>
    public Span<T> Reserve(int length)
    {
        if (items.Length - Count < length)
        {
            Grow(checked(Count + length));
        }

        return items.AsSpan(Count, length);
    }

    public void Advance(int written) => Count += written;

    private void Grow(int least) => Array.Resize(ref items, (int)Math.Min(Array.MaxLength, Math.Max(least, 2L * items.Length)));
}

/// <summary>A binary heap of unsigned numbers, smallest first.</summary>
internal sealed class MergeQueue
{
    private ulong[] heap = [];
    private int count;

    /// <summary>Starts with the merges of all positions (those of rank int.MaxValue are none), in time proportional to their number.</summary>
    public void Fill(scoped ReadOnlySpan<int> ranks)
    {
        if (heap.Length < ranks.Length)
        {
            heap = new ulong[ranks.Length + (ranks.Length / 2)];
        }

        count = 0;
        for (int i = 0; i < ranks.Length; i++)
        {
            if (ranks[i] != int.MaxValue)
            {
                heap[count++] = Entry(ranks[i], i);
            }
        }

        for (int i = (count / 2) - 1; i >= 0; i--)
        {
            SiftDown(i, heap[i]);
        }
    }

    public void Push(int rank, int position)
    {
        if (count == heap.Length)
        {
            Array.Resize(ref heap, (heap.Length * 2) + 16);
        }

        ulong entry = Entry(rank, position);
        int at = count++;
        while (at > 0)
        {
            int parent = (at - 1) / 2;
            if (heap[parent] <= entry)
            {
                break;
            }

            heap[at] = heap[parent];
            at = parent;
        }

        heap[at] = entry;
    }

    public bool TryPop(out int rank, out int position)
    {
        if (count == 0)
        {
            rank = position = 0;
            return false;
        }

        ulong top = heap[0];
        rank = (int)(top >> 32);
        position = (int)(uint)top;
        count--;
        if (count > 0)
        {
            SiftDown(0, heap[count]);
        }

        return true;
    }

    private static ulong Entry(int rank, int position) => ((ulong)(uint)rank << 32) | (uint)position;

    private void SiftDown(int at, ulong entry)
    {
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= count)
            {
                break;
            }

            if (child + 1 < count && heap[child + 1] < heap[child])
            {
                child++;
            }

            if (heap[child] >= entry)
            {
                break;
            }

            heap[at] = heap[child];
            at = child;
        }

        heap[at] = entry;
    }
}
