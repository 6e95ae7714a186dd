using System.Runtime.InteropServices;

namespace ModelCompiler.Tool.Tokenizers.Training;

/// <summary>
/// How often each pair of neighbouring symbols occurs in the pieces of a text, kept right while pairs are merged: only the pieces that have the pair are
/// looked at. Symbols 1 to 256 are the bytes.
/// </summary>
internal sealed class PairCounts
{
    private readonly int[][] pieces;
    private readonly long[] weights;
    private readonly Dictionary<(int Left, int Right), Pair> pairs = [];
    private readonly Dictionary<(int Left, int Right), int> merged = [];

    // Counts in the queue may be old; what is taken is held against the pair's own.
    private readonly PriorityQueue<(int Left, int Right), (long Count, int Left, int Right)> queue = new(Comparer<(long Count, int Left, int Right)>.Create(
        (a, b) => a.Count != b.Count ? b.Count.CompareTo(a.Count) : (a.Left, a.Right).CompareTo((b.Left, b.Right))));

    /// <param name="counts">Pieces, a byte in each char, and how often each occurs.</param>
    public PairCounts(IReadOnlyDictionary<string, long> counts)
    {
        pieces = new int[counts.Count][];
        weights = new long[counts.Count];
        int number = 0;
        foreach ((string piece, long count) in counts.OrderBy(piece => piece.Key, StringComparer.Ordinal))
        {
            pieces[number] = [.. piece.Select(value => 1 + value)];
            weights[number] = count;
            for (int i = 0; i + 1 < piece.Length; i++)
            {
                Change(pieces[number][i], pieces[number][i + 1], count, number);
            }

            number++;
        }

        foreach (((int Left, int Right) key, Pair pair) in pairs)
        {
            queue.Enqueue(key, (pair.Count, key.Left, key.Right));
        }
    }

    /// <summary>What a pair was merged to, or null.</summary>
    public int? Merged(int left, int right) => merged.TryGetValue((left, right), out int symbol) ? symbol : null;

    /// <summary>The pair that occurs most often, of equals the one with the smallest symbols; null when none occurs <paramref name="least"/> times.</summary>
    public (int Left, int Right)? TakeMostFrequent(long least)
    {
        while (queue.TryDequeue(out (int Left, int Right) key, out (long Count, int, int) queued))
        {
            long count = pairs.TryGetValue(key, out Pair? pair) ? pair.Count : 0;
            if (count >= least && count == queued.Count)
            {
                return key;
            }

            if (count >= least)
            {
                queue.Enqueue(key, (count, key.Left, key.Right));
            }
        }

        return null;
    }

    /// <summary>Writes a symbol in place of every occurrence of a pair.</summary>
    public void Merge(int left, int right, int symbol)
    {
        merged.Add((left, right), symbol);
        if (!pairs.Remove((left, right), out Pair? pair))
        {
            return;
        }

        HashSet<(int, int)> grown = [];
        foreach (int number in pair.Pieces)
        {
            MergeIn(number, left, right, symbol, grown);
        }

        foreach ((int Left, int Right) key in grown)
        {
            queue.Enqueue(key, (pairs[key].Count, key.Left, key.Right));
        }
    }

    private void MergeIn(int number, int left, int right, int symbol, HashSet<(int, int)> grown)
    {
        int[] piece = pieces[number];
        long weight = weights[number];
        int kept = 0;
        for (int i = 0; i < piece.Length; i++)
        {
            if (i + 1 == piece.Length || piece[i] != left || piece[i + 1] != right)
            {
                piece[kept++] = piece[i];
                continue;
            }

            if (kept > 0)
            {
                Change(piece[kept - 1], left, -weight, number);
                Change(piece[kept - 1], symbol, weight, number);
                grown.Add((piece[kept - 1], symbol));
            }

            if (i + 2 < piece.Length)
            {
                Change(right, piece[i + 2], -weight, number);
                Change(symbol, piece[i + 2], weight, number);
                grown.Add((symbol, piece[i + 2]));
            }

            piece[kept++] = symbol;
            i++;
        }

        pieces[number] = piece[..kept];
    }

    /// <summary>The pair that is being merged is gone already, and stays so.</summary>
    private void Change(int left, int right, long by, int piece)
    {
        if (merged.ContainsKey((left, right)))
        {
            return;
        }

        ref Pair? pair = ref CollectionsMarshal.GetValueRefOrAddDefault(pairs, (left, right), out _);
        pair ??= new();
        pair.Count += by;
        if (by > 0 && (pair.Pieces.Count == 0 || pair.Pieces[^1] != piece))
        {
            pair.Pieces.Add(piece);
        }
    }

    private sealed class Pair
    {
        public long Count;

        /// <summary>Where it occurs, or once did.</summary>
        public List<int> Pieces { get; } = [];
    }
}
