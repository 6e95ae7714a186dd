using System.Text;
using System.Text.RegularExpressions;
using StoryWorld.Grammar;

namespace StoryWorld.Writing;

/// <summary>One meaning that a document says, of given words; written in English, in Chinese or in both.</summary>
public sealed partial class Saying(World world, Meaning meaning, Bindings words, Choices choices, Tense tense)
{
    private readonly Dictionary<string, Meaning> nested = [];
    private readonly Dictionary<char, int> numbered = [];

    /// <summary>One or a few sentences, each with a capital letter; "a" is "an" before a vowel.</summary>
    public string English()
    {
        string text = Write(OneOf(meaning.English), "en");
        text = BeforeVowel().Replace(text, "$1n ");
        return SentenceBegin().Replace(text, found => found.Value.ToUpperInvariant());
    }

    public string Chinese() => Write(OneOf(meaning.Chinese), "zh");

    private string Write(Template template, string language)
    {
        StringBuilder text = new();
        foreach (Piece piece in template.Pieces)
        {
            text.Append(piece switch
            {
                Literal literal => literal.Text,
                Slot slot => words[slot.Variable].Forms[slot.Form ?? language],
                OneOf { Number: null } oneOf => Write(OneOf(oneOf.Options), language),
                OneOf oneOf => Write(oneOf.Options[Numbered(oneOf)], language),
                Tensed tensed => Write(tense.IsPast ? tensed.Past : tensed.Present, language),
                Nested phrase => Write(OneOf(language == "en" ? MeaningOf(phrase).English : MeaningOf(phrase).Chinese), language),
                _ => throw new InvalidOperationException($"No text is known for {piece.GetType().Name}."),
            });
        }

        return text.ToString();
    }

    private Template OneOf(IReadOnlyList<Template> options) => options[choices.Pick(options.Count)];

    private int Numbered(OneOf oneOf)
    {
        char number = oneOf.Number!.Value;
        if (!numbered.TryGetValue(number, out int choice))
        {
            choice = choices.Pick(oneOf.Options.Count);
            numbered.Add(number, choice);
        }

        return choice;
    }

    private Meaning MeaningOf(Nested phrase)
    {
        if (!nested.TryGetValue(phrase.Phrase, out Meaning? found))
        {
            IReadOnlyList<Meaning> meanings = world.Phrases[phrase.Phrase];
            found = meanings[choices.Pick([.. meanings.Select(one => one.Weight)])];
            nested.Add(phrase.Phrase, found);
        }

        return found;
    }

    [GeneratedRegex("\\b([Aa]) (?=[aeiouAEIOU])")]
    private static partial Regex BeforeVowel();

    /// <summary>Not behind <c>?"</c>, where "asks Mia" may follow.</summary>
    [GeneratedRegex("(?:^\"?|[.!?] \"?|[.!?]\" \"|[.]\" )[a-z]")]
    private static partial Regex SentenceBegin();
}
