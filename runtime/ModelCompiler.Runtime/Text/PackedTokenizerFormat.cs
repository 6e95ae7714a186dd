using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Text;

/// <summary>
/// The packed tokenizer: what tokenizer.json says, in the form that encoding and decoding use in place. Little-endian; every section
/// begins at a multiple of 8.
/// <code>
///   0  8  magic "MCTOKENS"
///   8  4  version
///  12  4  number of sections
///  16  8  total length
///  24  4  vocabulary: largest id + 1
///  28  4  <see cref="TokenizerTraits"/>
///  32  4  id of the unknown token, or −1
///  36  4  id of the token that begins a text, or −1
///  40  4  id of the token that ends a text, or −1
///  44  4  length of the longest token that the hash table holds, in bytes
///  48 16  zero
///  64  …  a pair (offset, length in bytes) of 32-bit numbers for each <see cref="PackedSection"/>
/// </code>
/// </summary>
internal static class PackedTokenizerFormat
{
    public const int Version = 1;

    public const int DirectoryOffset = 64;

    public const int SectionCount = (int)PackedSection.Count;

    public const int HeaderLengthBytes = DirectoryOffset + (SectionCount * 8);

    public static ReadOnlySpan<byte> Magic => "MCTOKENS"u8;

    /// <summary>U+2581, which stands for a space in SentencePiece vocabularies.</summary>
    public static ReadOnlySpan<byte> Marker => "\u2581"u8;

    public static int Align(int bytes) => checked(bytes + 7) & ~7;

    /// <summary>Hash of a token's bytes. Pairs of tokens are hashed by <see cref="HashPair"/>.</summary>
    public static uint Hash(ReadOnlySpan<byte> bytes)
    {
        const ulong Multiplier = 0x9E3779B97F4A7C15;
        ulong hash = (ulong)bytes.Length * 0xC2B2AE3D27D4EB4F;
        while (bytes.Length >= 8)
        {
            hash = (hash ^ MemoryMarshal.Read<ulong>(bytes)) * Multiplier;
            hash ^= hash >> 32;
            bytes = bytes[8..];
        }

        ulong tail = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            tail |= (ulong)bytes[i] << (8 * i);
        }

        hash = (hash ^ tail) * Multiplier;
        hash ^= hash >> 29;
        return (uint)((hash * Multiplier) >> 32);
    }

    public static uint HashPair(int left, int right)
    {
        ulong key = ((ulong)(uint)left << 32) | (uint)right;
        key *= 0x9E3779B97F4A7C15;
        key ^= key >> 32;
        return (uint)((key * 0xC2B2AE3D27D4EB4F) >> 32);
    }

    /// <summary>Where the search for a hash begins in a table of <paramref name="capacity"/> slots.</summary>
    public static int Slot(uint hash, int capacity) => (int)(((ulong)hash * (uint)capacity) >> 32);
}

/// <summary>The sections of a packed tokenizer, in the order of its directory.</summary>
internal enum PackedSection
{
    /// <summary>uint[vocabulary + 1]: where each token begins in <see cref="TokenBytes"/>.</summary>
    TokenOffsets,

    /// <summary>The bytes of all tokens. Those of a byte-level vocabulary are the bytes that they stand for.</summary>
    TokenBytes,

    /// <summary><see cref="TokenFlags"/>[vocabulary].</summary>
    TokenFlags,

    /// <summary><see cref="TokenSlot"/>[]: token bytes to id, linear probing.</summary>
    TokenTable,

    /// <summary><see cref="MergeSlot"/>[]: pair of ids to rank and merged id, linear probing.</summary>
    MergeTable,

    /// <summary>int[256]: the token of each byte, or −1.</summary>
    ByteTokens,

    /// <summary><see cref="AddedTokenRecord"/>[], sorted by pattern: matched before normalisation.</summary>
    AddedTokens,

    /// <summary>The distinct first bytes of the patterns of <see cref="AddedTokens"/>.</summary>
    AddedFirstBytes,

    /// <summary><see cref="AddedTokenRecord"/>[], sorted by pattern: matched after normalisation.</summary>
    NormalizedAddedTokens,

    /// <summary>The distinct first bytes of the patterns of <see cref="NormalizedAddedTokens"/>.</summary>
    NormalizedAddedFirstBytes,

    /// <summary><see cref="StepRecord"/>[] of <see cref="NormalizerCode"/>.</summary>
    NormalizerSteps,

    /// <summary><see cref="StepRecord"/>[] of <see cref="PreTokenizerCode"/>.</summary>
    PreTokenizerSteps,

    /// <summary><see cref="StepRecord"/>[] of <see cref="DecoderCode"/>.</summary>
    DecoderSteps,

    /// <summary>Patterns of added tokens, strings of steps (UTF-8) and compiled patterns (32-bit words).</summary>
    Strings,

    /// <summary>int[]: special tokens before the text.</summary>
    Prefix,

    /// <summary>int[]: special tokens after the text.</summary>
    Suffix,

    Count,
}

[Flags]
internal enum TokenizerTraits
{
    None = 0,

    /// <summary>Tokens are strings of bytes, each of which has a token.</summary>
    ByteLevel = 1,

    /// <summary>A character without a token is written as the tokens of its bytes.</summary>
    ByteFallback = 2,

    /// <summary>Neighbouring unknown characters become one unknown token.</summary>
    FuseUnknown = 4,

    /// <summary>No merge joins a token that ends in another character to one that begins with the marker U+2581, so that text may be cut there.</summary>
    CutBeforeMarker = 8,
}

[Flags]
internal enum TokenFlags : byte
{
    None = 0,

    /// <summary>The id has a token; without it the id is a hole.</summary>
    Present = 1,

    /// <summary>A special token: left out of decoded text on request.</summary>
    Special = 2,

    /// <summary>The bytes are the token's own text even in a byte-level vocabulary.</summary>
    Literal = 4,

    /// <summary>A piece equal to this token is always encoded as this one token.</summary>
    Direct = 8,

    /// <summary>Stands for one byte, such as &lt;0x0A&gt;; its bytes are that byte.</summary>
    Byte = 16,
}

/// <summary>A slot of the table from bytes to tokens; empty when <see cref="Id"/> is negative.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct TokenSlot
{
    public uint Hash;
    public int Id;
}

/// <summary>A slot of the table of merges; empty when <see cref="Left"/> is negative.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct MergeSlot
{
    public int Left;
    public int Right;
    public int Rank;
    public int Merged;
}

[Flags]
internal enum AddedTokenFlags
{
    None = 0,

    /// <summary>Takes the white space before it.</summary>
    StripLeft = 1,

    /// <summary>Takes the white space after it.</summary>
    StripRight = 2,

    /// <summary>Counts only where no word character touches it.</summary>
    SingleWord = 4,
}

[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct AddedTokenRecord
{
    public int PatternOffset;
    public int PatternLength;
    public int Id;
    public AddedTokenFlags Flags;
}

/// <summary>A step of a pipeline. What the argument and the two strings mean depends on the code.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct StepRecord
{
    public int Code;
    public int Argument;
    public int FirstOffset;
    public int FirstLength;
    public int SecondOffset;
    public int SecondLength;
}

internal enum NormalizerCode
{
    /// <summary>First: what is put before a text that is not empty.</summary>
    Prepend = 1,

    /// <summary>First: literal pattern. Second: its replacement.</summary>
    Replace,

    /// <summary>First: the character whose runs of at least Argument become the second string.</summary>
    ReplaceRun,

    /// <summary>First: the tables of <see cref="Text.UnicodeForm"/>.</summary>
    UnicodeForm,
    Lowercase,

    /// <summary>Argument: 1 strips on the left, 2 on the right.</summary>
    Strip,
    StripAccents,
}

internal enum PreTokenizerCode
{
    /// <summary>Puts a space before each piece that does not begin with one.</summary>
    PrefixSpace = 1,

    /// <summary>Argument: <see cref="SplitPattern"/> | <see cref="SplitBehaviour"/> &lt;&lt; 8 | inverted &lt;&lt; 16. First: literal or program.</summary>
    Split,

    /// <summary>Argument: <see cref="PrependScheme"/> | split &lt;&lt; 8. First: the character that stands for a space.</summary>
    Metaspace,
}

/// <summary>What a split looks for.</summary>
internal enum SplitPattern
{
    Literal,
    Gpt2,

    /// <summary>The pattern of Llama 3: numbers in groups of up to three digits.</summary>
    Llama3,

    /// <summary>The pattern of Qwen 2: each digit by itself.</summary>
    Qwen2,
    Number,
    Punctuation,
    WhiteSpace,

    /// <summary>\w+|[^\w\s]+</summary>
    WordOrSymbols,

    /// <summary>A pattern compiled at build time.</summary>
    Program,
}

/// <summary>What becomes of a match of a split.</summary>
internal enum SplitBehaviour
{
    Removed,
    Isolated,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

/// <summary>When Metaspace puts its character before a text.</summary>
internal enum PrependScheme
{
    Always,
    First,
    Never,
}

internal enum DecoderCode
{
    /// <summary>Tokens are strings of bytes of UTF-8.</summary>
    ByteLevel = 1,

    /// <summary>First: literal pattern. Second: its replacement. In each token.</summary>
    Replace,

    /// <summary>Tokens such as &lt;0x0A&gt; are bytes of UTF-8.</summary>
    ByteFallback,

    /// <summary>From here on the text is one string.</summary>
    Fuse,

    /// <summary>First: a character. Argument: how many of it are cut at the start | at the end &lt;&lt; 16, of each token, or of the text after Fuse.</summary>
    Strip,

    /// <summary>First: the character that stands for a space. Argument: 1 drops those of the first token.</summary>
    Metaspace,
}
