namespace ModelCompiler.Runtime.Generation;

/// <summary>
/// Lets text through up to the stop text that is complete first, however it is cut into pieces. What may be the beginning of one is held back until
/// it is known not to be.
/// </summary>
internal sealed class StopTextFilter(IReadOnlyList<string> stopTexts)
{
    private string held = "";

    /// <summary>A stop text was complete.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Takes a piece, gives out what is certain. Nothing after <see cref="Stopped"/>.</summary>
    public string Append(string piece)
    {
        if (Stopped || stopTexts.Count == 0)
        {
            return Stopped ? "" : piece;
        }

        string text = held + piece;
        int stop = FirstStop(text);
        Stopped = stop >= 0;
        int certain = Stopped ? stop : text.Length - HeldLength(text);
        held = Stopped ? "" : text[certain..];
        return text[..certain];
    }

    /// <summary>The text is at its end: gives out what was held back.</summary>
    public string Flush()
    {
        string rest = held;
        held = "";
        return rest;
    }

    /// <summary>Where the stop text begins that is complete first, or −1. By its end, so that it does not matter how the text was cut.</summary>
    private int FirstStop(string text)
    {
        int first = -1;
        int firstEnd = int.MaxValue;
        for (int i = 0; i < stopTexts.Count; i++)
        {
            int at = text.IndexOf(stopTexts[i], StringComparison.Ordinal);
            int end = at + stopTexts[i].Length;
            if (at >= 0 && (end < firstEnd || (end == firstEnd && at < first)))
            {
                (first, firstEnd) = (at, end);
            }
        }

        return first;
    }

    /// <summary>Length of the longest end of the text that begins a stop text.</summary>
    private int HeldLength(string text)
    {
        int longest = 0;
        for (int i = 0; i < stopTexts.Count; i++)
        {
            for (int length = Math.Min(stopTexts[i].Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stopTexts[i].AsSpan(0, length)))
                {
                    longest = length;
                }
            }
        }

        return longest;
    }
}
