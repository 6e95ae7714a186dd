using System.Buffers;
using System.Text;

namespace ModelCompiler.Runtime.Text;

/// <summary>
/// Turns tokens into text as they come. Only complete characters leave it: the first bytes of a character that spans several tokens wait for
/// the rest. What all calls return, put together, is what <see cref="Tokenizer.Decode"/> returns for all tokens at once. For one thread at a time.
/// </summary>
/// <remarks>
/// Bytes that are no UTF-8 become U+FFFD: one for each maximal broken sequence of a byte-level vocabulary, one for each byte of a vocabulary
/// with byte fallback. (The Rust reference gives up the whole run of byte tokens around a broken one, complete characters too. That cannot
/// be had while streaming, and would lose text that was already right.)
/// </remarks>
public sealed class StreamingDecoder
{
    private readonly Tokenizer tokenizer;
    private readonly DecoderPlan plan;
    private readonly bool skipSpecialTokens;
    private readonly GrowingList<char> output = new();
    private readonly GrowingList<byte> bufferA = new();
    private readonly GrowingList<byte> bufferB = new();
    private readonly byte[] pending = new byte[4];
    private int pendingLength;
    private int toStrip;
    private bool isFirst = true;

    internal StreamingDecoder(Tokenizer tokenizer, bool skipSpecialTokens)
    {
        this.tokenizer = tokenizer;
        this.skipSpecialTokens = skipSpecialTokens;
        plan = tokenizer.Pipeline.Decoder;
        toStrip = plan.StripCount;
    }

    /// <summary>Takes a token and returns the characters that are now complete: often those of the token, sometimes none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not one of the tokenizer's.</exception>
    public string Append(int id)
    {
        output.Clear();
        Take(tokenizer.View(), id);
        return output.Span.ToString();
    }

    /// <summary>Ends the text: returns U+FFFD for a character that was never completed, else an empty string. The decoder is then as new.</summary>
    public string Flush()
    {
        output.Clear();
        End();
        return output.Span.ToString();
    }

    /// <summary>Decodes all of a text at once.</summary>
    internal string Decode(PackedTokenizer tokens, ReadOnlySpan<int> ids)
    {
        foreach (int id in ids)
        {
            Take(tokens, id);
        }

        End();
        return output.Span.ToString();
    }

    private void Take(PackedTokenizer tokens, int id)
    {
        TokenFlags flags = tokens.Flags(id);
        if ((flags & TokenFlags.Present) == 0 || (skipSpecialTokens && (flags & TokenFlags.Special) != 0))
        {
            return;
        }

        ReadOnlySpan<byte> bytes = tokens.Bytes(id);
        if (plan.ByteLevel || (plan.ByteFallback && (flags & TokenFlags.Byte) != 0))
        {
            TakeBytes(bytes);
        }
        else
        {
            GiveUpPending();
            if (plan.JoinWithSpaces && !isFirst)
            {
                Write(" ");
            }

            TakeBytes((flags & TokenFlags.Byte) != 0 && bytes.Length == 1 ? Encoding.UTF8.GetBytes($"<0x{bytes[0]:X2}>")
                : plan.RewritesTokens ? plan.Rewrite(bytes, isFirst, bufferA, bufferB).Span : bytes);
        }

        isFirst = false;
    }

    private void End()
    {
        GiveUpPending();
        toStrip = plan.StripCount;
        isFirst = true;
    }

    /// <summary>Writes the characters that the pending bytes and these complete; keeps the rest.</summary>
    private void TakeBytes(ReadOnlySpan<byte> bytes)
    {
        while (pendingLength > 0 && !bytes.IsEmpty)
        {
            pending[pendingLength++] = bytes[0];
            bytes = bytes[1..];
            DrainPending();
        }

        Span<char> characters = stackalloc char[128];
        while (!bytes.IsEmpty)
        {
            OperationStatus status = System.Text.Unicode.Utf8.ToUtf16(bytes, characters, out int read, out int written, replaceInvalidSequences: false, isFinalBlock: false);
            Write(characters[..written]);
            bytes = bytes[read..];
            if (status == OperationStatus.NeedMoreData)
            {
                bytes.CopyTo(pending);
                pendingLength = bytes.Length;
                return;
            }

            if (status == OperationStatus.InvalidData)
            {
                Rune.DecodeFromUtf8(bytes, out _, out int broken);
                WriteBroken(broken);
                bytes = bytes[broken..];
            }
        }
    }

    /// <summary>Takes from the pending bytes what is complete or broken.</summary>
    private void DrainPending()
    {
        Span<char> characters = stackalloc char[2];
        while (pendingLength > 0)
        {
            OperationStatus status = Rune.DecodeFromUtf8(pending.AsSpan(0, pendingLength), out Rune rune, out int length);
            if (status == OperationStatus.NeedMoreData)
            {
                return;
            }

            if (status == OperationStatus.Done)
            {
                Write(characters[..rune.EncodeToUtf16(characters)]);
            }
            else
            {
                WriteBroken(length);
            }

            pending.AsSpan(length, pendingLength - length).CopyTo(pending);
            pendingLength -= length;
        }
    }

    private void GiveUpPending()
    {
        if (pendingLength > 0)
        {
            WriteBroken(pendingLength);
            pendingLength = 0;
        }
    }

    private void WriteBroken(int bytes)
    {
        for (int i = plan.ByteFallback ? bytes : 1; i > 0; i--)
        {
            Write("\uFFFD");
        }
    }

    private void Write(ReadOnlySpan<char> characters)
    {
        for (; toStrip > 0 && !characters.IsEmpty; toStrip--)
        {
            if (characters[0] != plan.StripCharacter)
            {
                toStrip = 0;
                break;
            }

            characters = characters[1..];
        }

        output.AddRange(characters);
    }
}
