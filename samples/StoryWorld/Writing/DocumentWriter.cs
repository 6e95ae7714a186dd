using StoryWorld.Grammar;

namespace StoryWorld.Writing;

/// <summary>A text and how it came about.</summary>
/// <param name="Text">One line, or one for each language or each thing that is said in it.</param>
/// <param name="Languages">What it is written in.</param>
/// <param name="Scene">Name of the scene that it tells.</param>
/// <param name="SurpriseNats">−ln of the probability of the choices that wrote it.</param>
/// <param name="Path">Equal for equal choices.</param>
public sealed record Document(string Text, Languages Languages, string Scene, double SurpriseNats, ulong Path);

/// <summary>What a document is written in.</summary>
public enum Languages
{
    English,
    Chinese,

    /// <summary>All in one language, then all in the other.</summary>
    EnglishThenChinese,
    ChineseThenEnglish,

    /// <summary>Line by line in turns.</summary>
    EnglishChineseInTurns,
    ChineseEnglishInTurns,
}

/// <summary>Writes documents of a grammar; the same seed and number give the same document on any machine.</summary>
public sealed class DocumentWriter(World world, ulong seed)
{
    private static readonly int[] LanguageWeights = [37, 37, 13, 13];
    private readonly int[] sceneWeights = [.. world.Scenes.Select(scene => scene.Weight)];

    public Document Write(long number)
    {
        Choices choices = new(Choices.SeedOf(seed, number));
        Scene scene = world.Scenes[choices.Pick(sceneWeights)];
        List<Saying> sayings = Outline(scene, choices);
        var languages = (Languages)choices.Pick(LanguageWeights);
        if (languages >= Languages.EnglishThenChinese && sayings.Count > 1)
        {
            languages += 2 * choices.Pick(2); // what one saying tells is the same in turns
        }

        string text = languages switch
        {
            Languages.English => English(sayings),
            Languages.Chinese => Chinese(sayings),
            Languages.EnglishThenChinese => $"{English(sayings)}\n{Chinese(sayings)}",
            Languages.ChineseThenEnglish => $"{Chinese(sayings)}\n{English(sayings)}",
            Languages.EnglishChineseInTurns => string.Join('\n', sayings.Select(saying => $"{saying.English()}\n{saying.Chinese()}")),
            _ => string.Join('\n', sayings.Select(saying => $"{saying.Chinese()}\n{saying.English()}")),
        };
        return new(text, languages, scene.Name, choices.SurpriseNats, choices.Path);
    }

    private static string English(List<Saying> sayings) => string.Join(' ', sayings.Select(saying => saying.English()));

    private static string Chinese(List<Saying> sayings) => string.Concat(sayings.Select(saying => saying.Chinese()));

    private List<Saying> Outline(Scene scene, Choices choices)
    {
        Bindings words = new(world, scene, choices);
        Tense tense = new(choices);
        List<Saying> sayings = [];
        foreach (Step step in scene.Steps.Where(step => step.Percent == 100 || choices.Pick([100 - step.Percent, step.Percent]) == 1))
        {
            List<Meaning> left = [.. step.Meanings];
            int count = step.Least + choices.Pick(step.Most - step.Least + 1);
            for (int i = 0; i < count; i++)
            {
                Meaning meaning = left[choices.Pick([.. left.Select(one => one.Weight)])];
                sayings.Add(new(world, meaning, step.Fresh ? words.Fresh() : words, choices, tense));
                if (!step.Fresh)
                {
                    left.Remove(meaning);
                }
            }
        }

        return sayings;
    }
}
