using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Tokenizers;

/// <summary>An added token with the bytes that are searched for.</summary>
internal sealed record PackedAddedToken(AddedTokenDefinition Token, byte[] Pattern);

/// <summary>Lays a tokenizer out as <see cref="PackedTokenizerFormat"/> says.</summary>
internal sealed class PackedTokenizerWriter(TokenizerDefinition definition)
{
    private readonly byte[][] sections = new byte[PackedTokenizerFormat.SectionCount][];
    private readonly List<byte> strings = [];
    private int vocabulary;
    private int longestToken;

    /// <summary>The packed tokenizer, without <see cref="TokenFlags.Direct"/>.</summary>
    public byte[] Write(IReadOnlyList<PackedAddedToken> added, IReadOnlyList<PackedAddedToken> normalizedAdded)
    {
        WriteTokens();
        WriteMerges();
        WriteAdded(added, PackedSection.AddedTokens, PackedSection.AddedFirstBytes);
        WriteAdded(normalizedAdded, PackedSection.NormalizedAddedTokens, PackedSection.NormalizedAddedFirstBytes);
        WriteSteps(PackedSection.NormalizerSteps, definition.Normalizers);
        WriteSteps(PackedSection.PreTokenizerSteps, definition.PreTokenizers);
        WriteSteps(PackedSection.DecoderSteps, definition.Decoders);
        Set<int>(PackedSection.Prefix, [.. definition.Prefix.Select(CheckSpecial)]);
        Set<int>(PackedSection.Suffix, [.. definition.Suffix.Select(CheckSpecial)]);
        Set<byte>(PackedSection.Strings, CollectionsMarshal.AsSpan(strings));
        return Assemble();
    }

    /// <summary>Where a section of a packed tokenizer begins.</summary>
    public static int SectionOffset(ReadOnlySpan<byte> packed, PackedSection section) =>
        BinaryPrimitives.ReadInt32LittleEndian(packed[(PackedTokenizerFormat.DirectoryOffset + ((int)section * 8))..]);

    private void WriteTokens()
    {
        int largest = definition.Vocabulary.Values.Concat(definition.AddedTokens.Select(token => token.Id)).Max();
        vocabulary = Math.Max(largest + 1, definition.LeastVocabulary);
        var bytes = new byte[vocabulary][];
        var flags = new TokenFlags[vocabulary];
        var byteTokens = new int[256];
        Array.Fill(byteTokens, -1);
        foreach ((string text, int id) in definition.Vocabulary.OrderBy(pair => pair.Value))
        {
            (bytes[id], flags[id]) = ReadToken(text);
            if (definition.ByteLevel ? bytes[id].Length == 1 && flags[id] == TokenFlags.Present : (flags[id] & TokenFlags.Byte) != 0)
            {
                byteTokens[bytes[id][0]] = id;
            }
        }

        foreach (AddedTokenDefinition token in definition.AddedTokens)
        {
            TokenFlags special = token.Special ? TokenFlags.Special : TokenFlags.None;
            bool known = (flags[token.Id] & TokenFlags.Present) != 0;
            bytes[token.Id] = known ? bytes[token.Id] : Encoding.UTF8.GetBytes(token.Content);
            flags[token.Id] |= special | TokenFlags.Present | (known ? TokenFlags.None : TokenFlags.Literal);
        }

        CheckBytes(byteTokens);
        WriteTokenTable(bytes, flags);
        var offsets = new uint[vocabulary + 1];
        for (int id = 0; id < vocabulary; id++)
        {
            offsets[id + 1] = checked(offsets[id] + (uint)(bytes[id]?.Length ?? 0));
        }

        Set<uint>(PackedSection.TokenOffsets, offsets);
        Set<byte>(PackedSection.TokenBytes, bytes.SelectMany(token => token ?? []).ToArray());
        Set<TokenFlags>(PackedSection.TokenFlags, flags);
        Set<int>(PackedSection.ByteTokens, byteTokens);
    }

    /// <summary>The bytes that a token of the vocabulary stands for.</summary>
    private (byte[] Bytes, TokenFlags Flags) ReadToken(string text)
    {
        if (definition.ByteLevel)
        {
            return TokenNames.Bytes(text) is { } bytes
                ? (bytes, TokenFlags.Present)
                : (Encoding.UTF8.GetBytes(text), TokenFlags.Present | TokenFlags.Literal);
        }

        return definition.DecodesBytes && text is ['<', '0', 'x', _, _, '>'] && Convert.ToHexString([ParseByte(text)]) == text[3..5]
            ? ([ParseByte(text)], TokenFlags.Present | TokenFlags.Byte)
            : (Encoding.UTF8.GetBytes(text), TokenFlags.Present);
    }

    private static byte ParseByte(string text) => byte.TryParse(
        text.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out byte value) ? value : (byte)0;

    private void CheckBytes(int[] byteTokens)
    {
        int missing = Array.IndexOf(byteTokens, -1);
        if (definition.ByteLevel && definition.ByteFallback && missing >= 0)
        {
            throw new TokenizerFileException("model.byte_fallback", $"found true in a byte-level tokenizer without a token for byte 0x{missing:X2}, expected false");
        }
    }

    /// <summary>Tokens that pieces of text may be equal to: those of the vocabulary, by the bytes that they stand for.</summary>
    private void WriteTokenTable(byte[][] bytes, TokenFlags[] flags)
    {
        int[] ids = [.. definition.Vocabulary.Values.Order().Where(id => bytes[id].Length > 0 && (flags[id] & (TokenFlags.Literal | TokenFlags.Byte)) == 0)];
        longestToken = ids.Length == 0 ? 0 : ids.Max(id => bytes[id].Length);
        var table = new TokenSlot[(ids.Length * 3 / 2) + 1];
        Array.Fill(table, new TokenSlot { Id = -1 });
        foreach (int id in ids)
        {
            uint hash = PackedTokenizerFormat.Hash(bytes[id]);
            int slot = PackedTokenizerFormat.Slot(hash, table.Length);
            while (table[slot].Id >= 0)
            {
                slot = (slot + 1) % table.Length;
            }

            table[slot] = new TokenSlot { Hash = hash, Id = id };
        }

        Set<TokenSlot>(PackedSection.TokenTable, table);
    }

    /// <summary>A merge that is listed twice has its later rank, as in the reference.</summary>
    private void WriteMerges()
    {
        var ranks = new Dictionary<(int, int), int>();
        for (int rank = 0; rank < definition.Merges.Count; rank++)
        {
            ranks[(definition.Merges[rank].Left, definition.Merges[rank].Right)] = rank;
        }

        var table = new MergeSlot[ranks.Count * 2];
        Array.Fill(table, new MergeSlot { Left = -1, Right = -1, Merged = -1 });
        foreach (int rank in ranks.Values.Order())
        {
            MergeDefinition merge = definition.Merges[rank];
            int slot = PackedTokenizerFormat.Slot(PackedTokenizerFormat.HashPair(merge.Left, merge.Right), table.Length);
            while (table[slot].Left >= 0)
            {
                slot = (slot + 1) % table.Length;
            }

            table[slot] = new MergeSlot { Left = merge.Left, Right = merge.Right, Rank = rank, Merged = merge.Merged };
        }

        Set<MergeSlot>(PackedSection.MergeTable, table);
    }

    private bool MayCutBeforeMarker()
    {
        const char Marker = '\u2581';
        if (definition.ByteLevel || definition.IgnoreMerges || !definition.Vocabulary.ContainsKey(Marker.ToString()))
        {
            return false;
        }

        Dictionary<int, string> texts = definition.Vocabulary.ToDictionary(pair => pair.Value, pair => pair.Key);
        return definition.Merges.All(merge => texts[merge.Left].EndsWith(Marker) || !texts[merge.Right].StartsWith(Marker));
    }

    private void WriteAdded(IReadOnlyList<PackedAddedToken> added, PackedSection records, PackedSection firstBytes)
    {
        // Of two tokens with one pattern the special one counts, then the first.
        PackedAddedToken[] sorted = [.. added
            .Where(token => token.Pattern.Length > 0)
            .OrderBy(token => token.Token.Special ? 0 : 1)
            .DistinctBy(token => Convert.ToHexString(token.Pattern))
            .OrderBy(token => token.Pattern, Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)))];
        Set<AddedTokenRecord>(records, [.. sorted.Select(token => new AddedTokenRecord
        {
            PatternOffset = AddString(token.Pattern),
            PatternLength = token.Pattern.Length,
            Id = token.Token.Id,
            Flags = token.Token.Flags,
        })]);
        Set<byte>(firstBytes, [.. sorted.Select(token => token.Pattern[0]).Distinct()]);
    }

    private void WriteSteps(PackedSection section, IReadOnlyList<StepDefinition> steps) =>
        Set<StepRecord>(section, [.. steps.Select(step => new StepRecord
        {
            Code = step.Code,
            Argument = step.Argument,
            FirstOffset = AddString(step.First),
            FirstLength = step.First.Length,
            SecondOffset = AddString(step.Second),
            SecondLength = step.Second.Length,
        })]);

    /// <summary>Strings begin at multiples of 4, so that compiled patterns can be read in place.</summary>
    private int AddString(byte[] text)
    {
        strings.AddRange(new byte[-strings.Count & 3]);
        strings.AddRange(text);
        return strings.Count - text.Length;
    }

    private int CheckSpecial(int id) => id < vocabulary
        ? id
        : throw new TokenizerFileException("post_processor", $"found token {id}, expected one of 0 to {vocabulary - 1}");

    private void Set<T>(PackedSection section, ReadOnlySpan<T> values)
        where T : unmanaged => sections[(int)section] = MemoryMarshal.AsBytes(values).ToArray();

    private byte[] Assemble()
    {
        int length = PackedTokenizerFormat.Align(PackedTokenizerFormat.HeaderLengthBytes);
        foreach (byte[] section in sections)
        {
            length = checked(length + PackedTokenizerFormat.Align(section.Length));
        }

        var packed = new byte[length];
        PackedTokenizerFormat.Magic.CopyTo(packed);
        Put(8, PackedTokenizerFormat.Version);
        Put(12, PackedTokenizerFormat.SectionCount);
        BinaryPrimitives.WriteInt64LittleEndian(packed.AsSpan(16), length);
        Put(24, vocabulary);
        Put(28, (int)Traits());
        Put(32, definition.UnknownId);
        Put(36, definition.BeginId);
        Put(40, definition.EndId);
        Put(44, longestToken);
        int at = PackedTokenizerFormat.Align(PackedTokenizerFormat.HeaderLengthBytes);
        for (int i = 0; i < sections.Length; i++)
        {
            Put(PackedTokenizerFormat.DirectoryOffset + (i * 8), at);
            Put(PackedTokenizerFormat.DirectoryOffset + (i * 8) + 4, sections[i].Length);
            sections[i].CopyTo(packed, at);
            at += PackedTokenizerFormat.Align(sections[i].Length);
        }

        return packed;

        void Put(int offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(packed.AsSpan(offset), value);
    }

    private TokenizerTraits Traits() =>
        (definition.ByteLevel ? TokenizerTraits.ByteLevel : 0)
        | (definition.ByteFallback && !definition.ByteLevel ? TokenizerTraits.ByteFallback : 0)
        | (definition.FuseUnknown ? TokenizerTraits.FuseUnknown : 0)
        | (MayCutBeforeMarker() ? TokenizerTraits.CutBeforeMarker : 0);
}
