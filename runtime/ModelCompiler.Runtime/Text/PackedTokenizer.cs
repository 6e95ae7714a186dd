using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace ModelCompiler.Runtime.Text;

/// <summary>
/// A checked view of a packed tokenizer. Making one costs the same for any vocabulary: the header and the section directory are checked
/// here, what the sections say is checked where it is read.
/// </summary>
internal readonly ref struct PackedTokenizer
{
    private readonly ReadOnlySpan<byte> data;
    private readonly ReadOnlySpan<uint> tokenOffsets;
    private readonly ReadOnlySpan<byte> tokenBytes;
    private readonly ReadOnlySpan<TokenFlags> tokenFlags;
    private readonly ReadOnlySpan<TokenSlot> tokenTable;
    private readonly ReadOnlySpan<MergeSlot> mergeTable;
    private readonly ReadOnlySpan<int> byteTokens;
    private readonly int longestToken;

    public PackedTokenizer(ReadOnlySpan<byte> data)
    {
        CheckHeader(data);
        this.data = data;
        Vocabulary = Number(24);
        Traits = (TokenizerTraits)Number(28);
        UnknownId = Number(32);
        BeginId = Number(36);
        EndId = Number(40);
        longestToken = Number(44);
        tokenOffsets = Section<uint>(PackedSection.TokenOffsets);
        tokenBytes = Section<byte>(PackedSection.TokenBytes);
        tokenFlags = Section<TokenFlags>(PackedSection.TokenFlags);
        tokenTable = Section<TokenSlot>(PackedSection.TokenTable);
        mergeTable = Section<MergeSlot>(PackedSection.MergeTable);
        byteTokens = Section<int>(PackedSection.ByteTokens);
        if (Vocabulary < 0 || tokenOffsets.Length != (long)Vocabulary + 1 || tokenFlags.Length != Vocabulary || byteTokens.Length != 256)
        {
            throw new TokenizerFormatException(
                $"The packed tokenizer tells {Vocabulary} tokens but holds {tokenOffsets.Length - 1} offsets, {tokenFlags.Length} flags and {byteTokens.Length} byte tokens.");
        }
    }

    public int Vocabulary { get; }

    public TokenizerTraits Traits { get; }

    public int UnknownId { get; }

    public int BeginId { get; }

    public int EndId { get; }

    public bool Has(TokenizerTraits trait) => (Traits & trait) != 0;

    /// <summary>The bytes of a token; none for a hole. Throws when <paramref name="id"/> is not a token of this vocabulary.</summary>
    public ReadOnlySpan<byte> Bytes(int id)
    {
        CheckId(id);
        uint begin = tokenOffsets[id];
        uint end = tokenOffsets[id + 1];
        if (begin > end || end > (uint)tokenBytes.Length)
        {
            throw new TokenizerFormatException($"Token {id} of the packed tokenizer lies at bytes {begin} to {end} of {tokenBytes.Length}.");
        }

        return tokenBytes[(int)begin..(int)end];
    }

    public TokenFlags Flags(int id)
    {
        CheckId(id);
        return tokenFlags[id];
    }

    /// <summary>The token of a byte, or −1.</summary>
    public int ByteToken(byte value)
    {
        int id = byteTokens[value];
        return id < 0 ? -1 : Checked(id);
    }

    /// <summary>The token with exactly these bytes, or −1.</summary>
    public int Find(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > longestToken || tokenTable.IsEmpty)
        {
            return -1;
        }

        uint hash = PackedTokenizerFormat.Hash(bytes);
        int slot = PackedTokenizerFormat.Slot(hash, tokenTable.Length);
        for (int probes = 0; probes < tokenTable.Length; probes++)
        {
            TokenSlot found = tokenTable[slot];
            if (found.Id < 0)
            {
                return -1;
            }

            if (found.Hash == hash && Bytes(Checked(found.Id)).SequenceEqual(bytes))
            {
                return found.Id;
            }

            slot = slot + 1 < tokenTable.Length ? slot + 1 : 0;
        }

        return -1;
    }

    /// <summary>Rank and result of merging two tokens; the rank is <see cref="int.MaxValue"/> when they do not merge.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Merge(int left, int right, out int merged)
    {
        ReadOnlySpan<MergeSlot> table = mergeTable;
        int slot = PackedTokenizerFormat.Slot(PackedTokenizerFormat.HashPair(left, right), table.Length);
        for (int probes = 0; probes < table.Length; probes++)
        {
            ref readonly MergeSlot found = ref table[slot];
            if (found.Left == left && found.Right == right)
            {
                merged = Checked(found.Merged);
                return found.Rank;
            }

            if (found.Left < 0)
            {
                break;
            }

            slot = slot + 1 < table.Length ? slot + 1 : 0;
        }

        merged = -1;
        return int.MaxValue;
    }

    /// <summary>A section as values of <typeparamref name="T"/>, in place.</summary>
    public ReadOnlySpan<T> Section<T>(PackedSection section)
        where T : unmanaged
    {
        int entry = PackedTokenizerFormat.DirectoryOffset + ((int)section * 8);
        uint offset = (uint)Number(entry);
        uint length = (uint)Number(entry + 4);
        if (offset % 8 != 0 || offset + (ulong)length > (ulong)data.Length || length % Unsafe.SizeOf<T>() != 0)
        {
            throw new TokenizerFormatException(
                $"Section {section} of the packed tokenizer lies at byte {offset} with {length} bytes; the tokenizer has {data.Length}, and the section is made of {Unsafe.SizeOf<T>()}-byte values at a multiple of 8.");
        }

        return MemoryMarshal.Cast<byte, T>(data.Slice((int)offset, (int)length));
    }

    /// <summary>Part of the section of strings.</summary>
    public ReadOnlySpan<byte> String(int offset, int length)
    {
        ReadOnlySpan<byte> strings = Section<byte>(PackedSection.Strings);
        if (offset < 0 || length < 0 || (long)offset + length > strings.Length)
        {
            throw new TokenizerFormatException($"A string of the packed tokenizer lies at byte {offset} with {length} bytes of {strings.Length}.");
        }

        return strings.Slice(offset, length);
    }

    /// <summary>Part of the section of strings that must be UTF-8.</summary>
    public byte[] Utf8String(int offset, int length)
    {
        byte[] text = String(offset, length).ToArray();
        return System.Text.Unicode.Utf8.IsValid(text)
            ? text
            : throw new TokenizerFormatException($"The string at byte {offset} of the packed tokenizer is not UTF-8.");
    }

    /// <summary>Returns an id that was read from the packed tokenizer, or throws that it is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Checked(int id)
    {
        if ((uint)id >= (uint)Vocabulary)
        {
            ThrowForeignId(id);
        }

        return id;
    }

    private static void CheckHeader(ReadOnlySpan<byte> data)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Packed tokenizers are used in place and need a little-endian processor.");
        }

        if (data.Length < PackedTokenizerFormat.HeaderLengthBytes || !data.StartsWith(PackedTokenizerFormat.Magic))
        {
            throw new TokenizerFormatException(
                $"This is no packed tokenizer: found {data.Length} bytes that begin '{Encoding.Latin1.GetString(data[..Math.Min(8, data.Length)])}', expected at least {PackedTokenizerFormat.HeaderLengthBytes} that begin 'MCTOKENS'.");
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(data[8..]);
        int sections = BinaryPrimitives.ReadInt32LittleEndian(data[12..]);
        long length = BinaryPrimitives.ReadInt64LittleEndian(data[16..]);
        if (version != PackedTokenizerFormat.Version || sections != PackedTokenizerFormat.SectionCount)
        {
            throw new TokenizerFormatException(
                $"The packed tokenizer has version {version} with {sections} sections; this runtime reads version {PackedTokenizerFormat.Version} with {PackedTokenizerFormat.SectionCount}. Build the project again.");
        }

        if (length != data.Length)
        {
            throw new TokenizerFormatException($"The packed tokenizer tells {length} bytes but has {data.Length}.");
        }
    }

    private void CheckId(int id)
    {
        if ((uint)id >= (uint)Vocabulary)
        {
            throw new ArgumentOutOfRangeException(nameof(id), id, $"Found token {id}, expected 0 to {Vocabulary - 1}.");
        }
    }

    private void ThrowForeignId(int id) =>
        throw new TokenizerFormatException($"The packed tokenizer names token {id}; it has {Vocabulary}.");

    private int Number(int offset) => BinaryPrimitives.ReadInt32LittleEndian(data[offset..]);
}
