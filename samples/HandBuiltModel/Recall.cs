namespace HandBuiltModel;

/// <summary>Tokens just before a place in the text, the nearest first, and how often (of 1) each token comes next.</summary>
public sealed record Context(IReadOnlyList<int> Tokens, IReadOnlyDictionary<int, double> Next);

/// <summary>
/// What the model must remember: the contexts of zero to five tokens of a corpus. A longer context is kept only where it says something
/// else than the longest one kept inside it.
/// </summary>
public sealed class Recall
{
    public const int LongestContext = 5;

    private readonly Dictionary<string, Context> kept = [];

    /// <param name="sentences">Token by token.</param>
    /// <param name="end">Comes before and after each; a place near the beginning sees it five times.</param>
    /// <param name="newLine">What comes after a token that the corpus does not know; then a sentence begins.</param>
    public Recall(IReadOnlyList<int[]> sentences, int end, int newLine)
    {
        Context root = new([], new Dictionary<int, double> { [newLine] = 1 });
        kept.Add(Key([]), root);
        IEnumerable<int[]> texts = sentences.SelectMany(sentence => new int[][]
        {
            [.. Enumerable.Repeat(end, LongestContext), .. sentence, end],
            [newLine, .. sentence, end],
        });
        var places = texts.SelectMany(text => Enumerable.Range(1, text.Length - 1).Select(i => (Before: text[..i].Reverse().ToArray(), Next: text[i])))
            .Where(place => place.Next != end || place.Before[0] != end)
            .ToList();
        for (int length = 1; length <= LongestContext; length++)
        {
            foreach (var group in places.Where(place => place.Before.Length >= length).GroupBy(place => Key(place.Before[..length])))
            {
                double count = group.Count();
                Context context = new(
                    group.First().Before[..length],
                    group.GroupBy(place => place.Next).ToDictionary(next => next.Key, next => next.Count() / count));
                if (!SaysTheSame(context, Inside(context)))
                {
                    kept.Add(group.Key, context);
                }
            }
        }
    }

    /// <summary>Shorter ones first; the empty context, which is everywhere, is the first.</summary>
    public IReadOnlyCollection<Context> Contexts => kept.Values;

    /// <summary>The longest kept context that is shorter than this one and holds wherever this one does.</summary>
    public Context Inside(Context context) => Enumerable.Range(1, context.Tokens.Count)
        .Select(dropped => kept.GetValueOrDefault(Key(context.Tokens.Take(context.Tokens.Count - dropped))))
        .First(shorter => shorter is not null)!;

    private static bool SaysTheSame(Context a, Context b)
        => a.Next.Count == b.Next.Count && a.Next.All(next => b.Next.GetValueOrDefault(next.Key) == next.Value);

    private static string Key(IEnumerable<int> tokens) => string.Join(' ', tokens);
}
