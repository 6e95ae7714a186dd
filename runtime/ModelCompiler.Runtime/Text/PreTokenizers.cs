namespace ModelCompiler.Runtime.Text;

/// <summary>A step that cuts text into pieces and hands each to the next step; the last one encodes.</summary>
internal abstract class PreTokenizer(PreTokenizer? next)
{
    /// <summary>Processes a piece. <paramref name="atStart"/>: the piece is where the whole text begins.</summary>
    public abstract void Run(scoped ReadOnlySpan<byte> text, bool atStart, PieceEncoder encoder);

    /// <summary>Hands a piece on; empty pieces vanish.</summary>
    protected void HandOn(scoped ReadOnlySpan<byte> piece, bool atStart, PieceEncoder encoder)
    {
        if (piece.IsEmpty)
        {
            return;
        }

        if (next is null)
        {
            encoder.Encode(piece);
        }
        else
        {
            next.Run(piece, atStart, encoder);
        }
    }
}

/// <summary>Cuts nothing: the text is one piece.</summary>
internal sealed class WholeText() : PreTokenizer(null)
{
    public override void Run(scoped ReadOnlySpan<byte> text, bool atStart, PieceEncoder encoder) => HandOn(text, atStart, encoder);
}

/// <summary>Puts a space before text that does not begin with one.</summary>
internal sealed class PrefixSpace(PreTokenizer? next) : PreTokenizer(next)
{
    public override void Run(scoped ReadOnlySpan<byte> text, bool atStart, PieceEncoder encoder)
    {
        if (text is [(byte)' ', ..])
        {
            HandOn(text, atStart, encoder);
            return;
        }

        HandOn([(byte)' ', .. text], atStart, encoder);
    }
}

/// <summary>Writes another character for each space, may put one before the text, and cuts before each.</summary>
internal sealed class Metaspace(byte[] replacement, PrependScheme scheme, bool split, PreTokenizer? next) : PreTokenizer(next)
{
    public override void Run(scoped ReadOnlySpan<byte> text, bool atStart, PieceEncoder encoder)
    {
        bool prepend = scheme == PrependScheme.Always || (scheme == PrependScheme.First && atStart);
        var replaced = new GrowingList<byte>();
        if (prepend && !text.StartsWith(replacement) && text is not [(byte)' ', ..])
        {
            replaced.AddRange(replacement);
        }

        Literals.Replace(text, " "u8, replacement, replaced);
        if (split)
        {
            Cut(replaced.Span, atStart, encoder);
        }
        else
        {
            HandOn(replaced.Span, atStart, encoder);
        }
    }

    /// <summary>Each piece begins with a replacement that follows another character; of a run of them the last begins the piece.</summary>
    private void Cut(scoped ReadOnlySpan<byte> text, bool atStart, PieceEncoder encoder)
    {
        int begin = 0;
        while (begin < text.Length)
        {
            int from = text[begin..].StartsWith(replacement) ? begin + replacement.Length : begin;
            int found = text[from..].IndexOf(replacement);
            int end = found < 0 ? text.Length : from + found;
            HandOn(text[begin..end], atStart && begin == 0, encoder);
            begin = end;
        }
    }
}

/// <summary>Cuts around the matches of a pattern.</summary>
internal sealed class Split(Matcher matcher, SplitBehaviour behaviour, bool inverted, PreTokenizer? next) : PreTokenizer(next)
{
    public override void Run(scoped ReadOnlySpan<byte> text, bool atStart, PieceEncoder encoder)
    {
        var pieces = new PieceJoiner(behaviour);
        int at = 0;
        while (at < text.Length && matcher.TryFind(text, at, out int begin, out int end) && end > at)
        {
            if (begin > at)
            {
                Take(text, at, begin, inverted, atStart, ref pieces, encoder);
            }

            Take(text, begin, end, !inverted, atStart, ref pieces, encoder);
            at = end;
        }

        if (at < text.Length)
        {
            Take(text, at, text.Length, inverted, atStart, ref pieces, encoder);
        }

        if (pieces.End > pieces.Begin)
        {
            HandOn(text[pieces.Begin..pieces.End], atStart && pieces.Begin == 0, encoder);
        }
    }

    private void Take(
        scoped ReadOnlySpan<byte> text, int begin, int end, bool isMatch, bool atStart, scoped ref PieceJoiner pieces, PieceEncoder encoder)
    {
        (int readyBegin, int readyEnd) = pieces.Take(begin, end, isMatch);
        if (readyEnd > readyBegin)
        {
            HandOn(text[readyBegin..readyEnd], atStart && readyBegin == 0, encoder);
        }
    }
}

/// <summary>Joins matches and what lies between them into pieces as a behaviour says. Holds the piece that may still grow.</summary>
internal struct PieceJoiner(SplitBehaviour behaviour)
{
    private bool heldIsMatch;

    /// <summary>The piece that is held; empty when begin and end are equal.</summary>
    public int Begin { get; private set; }

    public int End { get; private set; }

    /// <summary>Takes the next stretch and returns the piece that is now complete, or an empty one.</summary>
    public (int Begin, int End) Take(int begin, int end, bool isMatch)
    {
        if (behaviour == SplitBehaviour.Removed && isMatch)
        {
            (int, int) complete = (Begin, End);
            Begin = End = end;
            return complete;
        }

        bool joins = End > Begin && behaviour switch
        {
            SplitBehaviour.MergedWithPrevious => isMatch && !heldIsMatch,
            SplitBehaviour.MergedWithNext => heldIsMatch && !isMatch,
            SplitBehaviour.Contiguous => heldIsMatch == isMatch,
            _ => false,
        };

        (int, int) ready = joins ? (0, 0) : (Begin, End);
        Begin = joins ? Begin : begin;
        End = end;

        heldIsMatch = isMatch;
        return ready;
    }
}
