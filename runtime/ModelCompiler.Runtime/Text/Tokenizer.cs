using System.Buffers;
using System.Text;

namespace ModelCompiler.Runtime.Text;

/// <summary>
/// Text to tokens and back, as a published tokenizer.json says. It works on a packed tokenizer in place: making one parses nothing and takes
/// the same time for any vocabulary. One tokenizer may be used by many threads at once.
/// </summary>
public sealed class Tokenizer
{
    private readonly ReadOnlyMemory<byte> memory;
    private readonly Normalizer[] normalizers;
    private readonly PreTokenizer preTokenizer;
    private EncodeWorkspace? spare;

    /// <summary>Opens a packed tokenizer that lies in managed memory. It is used in place and must not change.</summary>
    /// <exception cref="TokenizerFormatException">The memory does not hold a packed tokenizer of this version.</exception>
    public Tokenizer(ReadOnlyMemory<byte> packed)
    {
        memory = packed;
        PackedTokenizer tokens = View();
        Pipeline = new TokenizerPipeline(tokens);
        normalizers = Pipeline.Normalizers;
        preTokenizer = Pipeline.PreTokenizer;
        VocabularySize = tokens.Vocabulary;
        BeginId = tokens.BeginId < 0 ? -1 : tokens.Checked(tokens.BeginId);
        EndId = tokens.EndId < 0 ? -1 : tokens.Checked(tokens.EndId);
    }

    /// <summary>
    /// Opens a packed tokenizer that lies in memory of somebody else: a mapped file or an embedded resource. It is used in place, need not be
    /// aligned, and must stay there as long as the tokenizer is used; <paramref name="owner"/>, if given, is kept alive for that.
    /// </summary>
    /// <exception cref="TokenizerFormatException">The memory does not hold a packed tokenizer of this version.</exception>
    public unsafe Tokenizer(byte* data, long length, object? owner = null)
        : this(new ForeignMemory(data, length, owner).Memory)
    {
    }

    /// <summary>Number of ids: the largest id + 1. Ids between may be holes.</summary>
    public int VocabularySize { get; }

    /// <summary>The token that begins a text (tokenizer_config.json's bos_token), or −1.</summary>
    public int BeginId { get; }

    /// <summary>The token that ends a text (tokenizer_config.json's eos_token), or −1.</summary>
    public int EndId { get; }

    internal TokenizerPipeline Pipeline { get; }

    /// <summary>
    /// The tokens of a text. Added tokens within the text are recognised, special ones too, unless told otherwise. A surrogate without its pair counts as U+FFFD.
    /// </summary>
    /// <param name="text">Any text. Time is near-linear in its length, whatever it holds.</param>
    /// <param name="addSpecialTokens">Whether to add what the tokenizer's post-processor adds, such as the token that begins a text.</param>
    /// <param name="recogniseSpecialTokens">
    /// False for text from somebody who must not write special tokens, such as the end of a turn in a chat: their names are then text like any other.
    /// </param>
    public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens = true, bool recogniseSpecialTokens = true)
    {
        EncodeWorkspace workspace = Interlocked.Exchange(ref spare, null) ?? new EncodeWorkspace();
        try
        {
            PackedTokenizer tokens = View();
            GrowingList<int> ids = workspace.Ids;
            ids.Clear();
            workspace.Text.Clear();
            Transcode(text, workspace.Text);
            if (addSpecialTokens)
            {
                AddChecked(tokens, PackedSection.Prefix, ids);
            }

            EncodeText(workspace.Text.Span, recogniseSpecialTokens, new PieceEncoder(tokens, workspace));
            if (addSpecialTokens)
            {
                AddChecked(tokens, PackedSection.Suffix, ids);
            }

            return ids.Span.ToArray();
        }
        finally
        {
            spare = workspace.IsModest ? workspace : null;
        }
    }

    /// <summary>The text of tokens. Ids that are holes of the vocabulary have none. Bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative or not below <see cref="VocabularySize"/>.</exception>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens = true) =>
        new StreamingDecoder(this, skipSpecialTokens).Decode(View(), ids);

    /// <summary>A decoder for tokens that come one by one.</summary>
    public StreamingDecoder CreateDecoder(bool skipSpecialTokens = true) => new(this, skipSpecialTokens);

    /// <summary>The id of a token by its text as tokenizer.json writes it: <c>Ġthe</c>, <c>▁the</c>, <c>&lt;s&gt;</c>.</summary>
    public bool TryGetId(string token, out int id) => TokenNames.TryFind(View(), token, out id);

    /// <summary>The text of a token as tokenizer.json writes it; empty for a hole.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative or not below <see cref="VocabularySize"/>.</exception>
    public string TokenText(int id) => TokenNames.Text(View(), id);

    /// <summary>Whether a token is special: left out by <see cref="Decode"/> unless asked for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative or not below <see cref="VocabularySize"/>.</exception>
    public bool IsSpecial(int id) => (View().Flags(id) & TokenFlags.Special) != 0;

    internal PackedTokenizer View() => new(memory.Span);

    /// <summary>What the normalizers make of a text. Used when packing, too: patterns of added tokens are normalised.</summary>
    internal byte[] Normalize(ReadOnlySpan<byte> text)
    {
        var workspace = new EncodeWorkspace();
        return Normalize(text, workspace).ToArray();
    }

    /// <summary>What the merges make of a piece, without looking it up as a whole. Used when packing, to find the tokens that may be looked up.</summary>
    internal bool MergesToItself(int id, EncodeWorkspace workspace)
    {
        PackedTokenizer tokens = View();
        workspace.Ids.Clear();
        new PieceEncoder(tokens, workspace).EncodeByMerges(tokens.Bytes(id));
        return workspace.Ids.Count == 1 && workspace.Ids.Span[0] == id;
    }

    private static void Transcode(ReadOnlySpan<char> text, GrowingList<byte> output)
    {
        while (!text.IsEmpty)
        {
            // In stretches, so that a long text does not reserve three bytes for each of its characters.
            Span<byte> room = output.Reserve(3 * Math.Min(text.Length, 1 << 16));
            System.Text.Unicode.Utf8.FromUtf16(text, room, out int read, out int written);
            output.Advance(written);
            text = text[read..];
        }
    }

    private static void AddChecked(PackedTokenizer tokens, PackedSection section, GrowingList<int> ids)
    {
        foreach (int id in tokens.Section<int>(section))
        {
            ids.Add(tokens.Checked(id));
        }
    }

    /// <summary>Encodes what lies between added tokens.</summary>
    private void EncodeText(ReadOnlySpan<byte> text, bool special, PieceEncoder encoder)
    {
        var finder = new AddedTokenFinder(encoder.Tokens, normalized: false, text);
        int at = 0;
        while (finder.TryNext(out int id, out int begin, out int end))
        {
            if (!special && IsSpecial(id))
            {
                continue;
            }

            EncodeRaw(text[at..begin], at == 0, special, encoder);
            encoder.Workspace.Ids.Add(id);
            at = end;
        }

        EncodeRaw(text[at..], at == 0, special, encoder);
    }

    private void EncodeRaw(ReadOnlySpan<byte> raw, bool atStart, bool special, PieceEncoder encoder)
    {
        ReadOnlySpan<byte> text = Normalize(raw, encoder.Workspace);
        if (!Pipeline.HasNormalizedAddedTokens)
        {
            EncodeNormalized(text, atStart, encoder);
            return;
        }

        var finder = new AddedTokenFinder(encoder.Tokens, normalized: true, text);
        int at = 0;
        while (finder.TryNext(out int id, out int begin, out int end))
        {
            if (!special && IsSpecial(id))
            {
                continue;
            }

            EncodeNormalized(text[at..begin], atStart && at == 0, encoder);
            encoder.Workspace.Ids.Add(id);
            at = end;
        }

        EncodeNormalized(text[at..], atStart && at == 0, encoder);
    }

    private void EncodeNormalized(ReadOnlySpan<byte> text, bool atStart, PieceEncoder encoder)
    {
        if (!text.IsEmpty)
        {
            preTokenizer.Run(text, atStart, encoder);
        }
    }

    private ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> text, EncodeWorkspace workspace)
    {
        GrowingList<byte> output = workspace.NormalizedA;
        GrowingList<byte> other = workspace.NormalizedB;
        foreach (Normalizer normalizer in normalizers)
        {
            if (text.IsEmpty)
            {
                break;
            }

            output.Clear();
            normalizer.Run(text, output);
            text = output.Span;
            (output, other) = (other, output);
        }

        return text;
    }

    /// <summary>Memory that a pointer names.</summary>
    private sealed unsafe class ForeignMemory(byte* data, long length, object? owner) : MemoryManager<byte>
    {
        private readonly int lengthBytes = length is >= 0 and <= int.MaxValue && data != null
            ? (int)length
            : throw new ArgumentOutOfRangeException(nameof(length), length, $"Found {length} bytes at {(nint)data}, expected 0 to {int.MaxValue} at an address.");

        /// <summary>What owns the memory.</summary>
        public object? Owner { get; } = owner;

        public override Span<byte> GetSpan() => new(data, lengthBytes);

        public override MemoryHandle Pin(int elementIndex = 0) => new(data + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
