using System.Text;

namespace ModelCompiler.Runtime.Text;

/// <summary>
/// Tokens by their text as tokenizer.json writes it. Byte-level vocabularies write each byte as one printable character (GPT-2's encoder.py,
/// bytes_to_unicode): printable Latin-1 as itself, the other 68 bytes as U+0100 and up.
/// </summary>
internal static class TokenNames
{
    /// <summary>The character that stands for a byte.</summary>
    public static char Character(byte value)
    {
        if (IsPrintable(value))
        {
            return (char)value;
        }

        // Bytes without a character of their own, in order: 0–32, 127–160, 173.
        int rank = value <= 32 ? value : value <= 160 ? value - 127 + 33 : 67;
        return (char)(0x100 + rank);
    }

    /// <summary>The byte that a character stands for, or −1.</summary>
    public static int Byte(char character)
    {
        if (character < 0x100)
        {
            return IsPrintable((byte)character) ? character : -1;
        }

        int rank = character - 0x100;
        return rank switch
        {
            <= 32 => rank,
            <= 66 => rank - 33 + 127,
            67 => 173,
            _ => -1,
        };
    }

    /// <summary>The bytes that the characters of a token stand for, or null when one of them stands for none.</summary>
    public static byte[]? Bytes(string token)
    {
        var bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            int value = Byte(token[i]);
            if (value < 0)
            {
                return null;
            }

            bytes[i] = (byte)value;
        }

        return bytes;
    }

    /// <summary>The text of a token; empty for a hole.</summary>
    public static string Text(PackedTokenizer tokens, int id)
    {
        ReadOnlySpan<byte> bytes = tokens.Bytes(id);
        TokenFlags flags = tokens.Flags(id);
        if ((flags & TokenFlags.Byte) != 0 && bytes.Length == 1)
        {
            return $"<0x{bytes[0]:X2}>";
        }

        if (!tokens.Has(TokenizerTraits.ByteLevel) || (flags & TokenFlags.Literal) != 0)
        {
            return Encoding.UTF8.GetString(bytes);
        }

        var text = new StringBuilder(bytes.Length);
        foreach (byte value in bytes)
        {
            text.Append(Character(value));
        }

        return text.ToString();
    }

    /// <summary>The id of a token by its text.</summary>
    public static bool TryFind(PackedTokenizer tokens, string token, out int id)
    {
        id = -1;
        byte[]? bytes = tokens.Has(TokenizerTraits.ByteLevel) ? Bytes(token) : Encoding.UTF8.GetBytes(token);
        id = bytes is null ? -1 : tokens.Find(bytes);
        if (id >= 0)
        {
            return true;
        }

        if (token is ['<', '0', 'x', _, _, '>'] && byte.TryParse(token.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out byte value))
        {
            id = tokens.ByteToken(value);
            return id >= 0 && Text(tokens, id) == token;
        }

        return TryFindAdded(tokens, PackedSection.AddedTokens, token, out id) || TryFindAdded(tokens, PackedSection.NormalizedAddedTokens, token, out id);
    }

    /// <summary>Searches the added tokens, which need not be in the table.</summary>
    private static bool TryFindAdded(PackedTokenizer tokens, PackedSection section, string token, out int id)
    {
        foreach (AddedTokenRecord record in tokens.Section<AddedTokenRecord>(section))
        {
            if (Text(tokens, tokens.Checked(record.Id)) == token)
            {
                id = record.Id;
                return true;
            }
        }

        id = -1;
        return false;
    }

    private static bool IsPrintable(byte value) => value is >= 33 and <= 126 or >= 161 and <= 172 or >= 174;
}
