namespace ModelCompiler.Runtime.Text;

/// <summary>
/// Byte-pair encoding of one piece: its characters (or bytes) become symbols, and as long as any two neighbours merge, those of the lowest
/// rank do, leftmost first (Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units"). A piece that is known at
/// build time to end as one token is looked up instead.
/// </summary>
internal readonly ref struct PieceEncoder
{
    /// <summary>Up to here shifting an array beats keeping a queue.</summary>
    private const int ShortPiece = 40;

    private readonly PackedTokenizer tokens;
    private readonly bool byteLevel;
    private readonly bool cutBeforeMarker;

    public PieceEncoder(PackedTokenizer tokens, EncodeWorkspace workspace)
    {
        this.tokens = tokens;
        Workspace = workspace;
        byteLevel = tokens.Has(TokenizerTraits.ByteLevel);
        cutBeforeMarker = tokens.Has(TokenizerTraits.CutBeforeMarker);
    }

    public PackedTokenizer Tokens => tokens;

    public EncodeWorkspace Workspace { get; }

    /// <summary>Appends the ids of a piece of text.</summary>
    public void Encode(scoped ReadOnlySpan<byte> piece)
    {
        if (!cutBeforeMarker)
        {
            EncodeWord(piece);
            return;
        }

        while (!piece.IsEmpty)
        {
            int length = WordLength(piece);
            EncodeWord(piece[..length]);
            piece = piece[length..];
        }
    }

    /// <summary>Encodes without looking the whole piece up: what the merges alone say.</summary>
    public void EncodeByMerges(scoped ReadOnlySpan<byte> piece)
    {
        Workspace.EnsureSymbols(piece.Length);
        int count = byteLevel ? SymbolsOfBytes(piece) : SymbolsOfCharacters(piece);
        count = count <= ShortPiece ? MergeShort(count) : MergeLong(count);
        Workspace.Ids.AddRange(Workspace.Symbols.AsSpan(0, count));
    }

    /// <summary>Markers and what follows them, up to the next marker.</summary>
    private static int WordLength(scoped ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> marker = PackedTokenizerFormat.Marker;
        int begin = 0;
        while (text[begin..].StartsWith(marker))
        {
            begin += marker.Length;
        }

        int next = text[begin..].IndexOf(marker);
        return next < 0 ? text.Length : begin + next;
    }

    private void EncodeWord(scoped ReadOnlySpan<byte> word)
    {
        int id = tokens.Find(word);
        if (id >= 0 && (tokens.Flags(id) & TokenFlags.Direct) != 0)
        {
            Workspace.Ids.Add(id);
            return;
        }

        EncodeByMerges(word);
    }

    private int SymbolsOfBytes(scoped ReadOnlySpan<byte> piece)
    {
        int[] symbols = Workspace.Symbols;
        int count = 0;
        bool unknown = false;
        foreach (byte value in piece)
        {
            int id = tokens.ByteToken(value);
            if (id >= 0)
            {
                symbols[count++] = id;
                unknown = false;
            }
            else if (tokens.UnknownId >= 0 && !(unknown && tokens.Has(TokenizerTraits.FuseUnknown)))
            {
                symbols[count++] = tokens.Checked(tokens.UnknownId);
                unknown = true;
            }
        }

        return count;
    }

    private int SymbolsOfCharacters(scoped ReadOnlySpan<byte> piece)
    {
        int[] symbols = Workspace.Symbols;
        int count = 0;
        bool unknown = false;
        while (!piece.IsEmpty)
        {
            int length = Utf8.Length(piece[0], piece.Length);
            ReadOnlySpan<byte> character = piece[..length];
            piece = piece[length..];
            int id = tokens.Find(character);
            if (id < 0 && TryFallBack(character, symbols.AsSpan(count)))
            {
                count += length;
                continue;
            }

            // The unknown token is written when the run of unknown characters ends, as the reference does: byte tokens within the run come first.
            if (unknown && (id >= 0 || !tokens.Has(TokenizerTraits.FuseUnknown)))
            {
                symbols[count++] = tokens.Checked(tokens.UnknownId);
                unknown = false;
            }

            if (id >= 0)
            {
                symbols[count++] = id;
            }
            else
            {
                unknown = tokens.UnknownId >= 0;
            }
        }

        if (unknown)
        {
            symbols[count++] = tokens.Checked(tokens.UnknownId);
        }

        return count;
    }

    /// <summary>Writes a character as the tokens of its bytes, if each has one.</summary>
    private bool TryFallBack(scoped ReadOnlySpan<byte> character, scoped Span<int> symbols)
    {
        if (!tokens.Has(TokenizerTraits.ByteFallback))
        {
            return false;
        }

        for (int i = 0; i < character.Length; i++)
        {
            symbols[i] = tokens.ByteToken(character[i]);
            if (symbols[i] < 0)
            {
                return false;
            }
        }

        return true;
    }

    private int MergeShort(int count)
    {
        Span<int> symbols = Workspace.Symbols.AsSpan(0, count);
        Span<int> ranks = Workspace.Ranks.AsSpan(0, count);
        Span<int> merged = Workspace.Merged.AsSpan(0, count);
        for (int i = 0; i + 1 < count; i++)
        {
            ranks[i] = tokens.Merge(symbols[i], symbols[i + 1], out merged[i]);
        }

        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
            {
                best = ranks[i] < ranks[best] ? i : best;
            }

            if (ranks[best] == int.MaxValue)
            {
                break;
            }

            symbols[best] = merged[best];
            symbols[(best + 2)..count].CopyTo(symbols[(best + 1)..]);
            ranks[(best + 2)..count].CopyTo(ranks[(best + 1)..]);
            merged[(best + 2)..count].CopyTo(merged[(best + 1)..]);
            count--;
            if (best > 0)
            {
                ranks[best - 1] = tokens.Merge(symbols[best - 1], symbols[best], out merged[best - 1]);
            }

            if (best + 1 < count)
            {
                ranks[best] = tokens.Merge(symbols[best], symbols[best + 1], out merged[best]);
            }
        }

        return count;
    }

    private int MergeLong(int count)
    {
        Workspace.EnsureLinks(count);
        int[] symbols = Workspace.Symbols;
        int[] ranks = Workspace.Ranks;
        int[] merged = Workspace.Merged;
        int[] next = Workspace.Next;
        int[] previous = Workspace.Previous;
        MergeQueue queue = Workspace.Queue;
        for (int i = 0; i < count; i++)
        {
            next[i] = i + 1;
            previous[i] = i - 1;
            merged[i] = -1;
            ranks[i] = i + 1 < count ? tokens.Merge(symbols[i], symbols[i + 1], out merged[i]) : int.MaxValue;
        }

        queue.Fill(ranks.AsSpan(0, count));
        while (queue.TryPop(out int rank, out int at))
        {
            if (ranks[at] != rank)
            {
                continue;
            }

            int right = next[at];
            symbols[at] = merged[at];
            ranks[right] = int.MaxValue;
            symbols[right] = -1;
            next[at] = next[right];
            if (next[at] < count)
            {
                previous[next[at]] = at;
            }

            Enqueue(at, count);
            if (previous[at] >= 0)
            {
                Enqueue(previous[at], count);
            }
        }

        int kept = 0;
        for (int i = 0; i < count; i = next[i])
        {
            symbols[kept++] = symbols[i];
        }

        return kept;
    }

    /// <summary>Ranks the merge of a symbol with its new neighbour. What the queue still says of it is stale and is known by its rank.</summary>
    private void Enqueue(int at, int count)
    {
        int right = Workspace.Next[at];
        int rank = right < count
            ? tokens.Merge(Workspace.Symbols[at], Workspace.Symbols[right], out Workspace.Merged[at])
            : int.MaxValue;
        Workspace.Ranks[at] = rank;
        if (rank != int.MaxValue)
        {
            Workspace.Queue.Push(rank, at);
        }
    }
}
