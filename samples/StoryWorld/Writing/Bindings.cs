using StoryWorld.Grammar;

namespace StoryWorld.Writing;

/// <summary>
/// The words that variables stand for. A word is drawn when it is first written, so that nothing is drawn that no text shows; within a
/// document two variables of one table are never the same word.
/// </summary>
public sealed class Bindings
{
    private readonly World world;
    private readonly Scene scene;
    private readonly Choices choices;
    private readonly Bindings? document;
    private readonly HashSet<Word> taken;
    private readonly Dictionary<string, Word> words = [];

    /// <summary>Those of a document.</summary>
    public Bindings(World world, Scene scene, Choices choices)
        : this(world, scene, choices, null, [])
    {
    }

    private Bindings(World world, Scene scene, Choices choices, Bindings? document, HashSet<Word> taken)
        => (this.world, this.scene, this.choices, this.document, this.taken) = (world, scene, choices, document, taken);

    /// <summary>The same, but for the variables that stand for another word each time.</summary>
    public Bindings Fresh() => new(world, scene, choices, this, taken);

    /// <summary>The variable's word, drawn if it is not known yet.</summary>
    public Word this[string name]
    {
        get
        {
            Variable variable = scene.Variables[name];
            if (document is not null && !variable.Each)
            {
                return document[name];
            }

            if (!words.TryGetValue(name, out Word? word))
            {
                word = Draw(variable);
                words.Add(name, word);
                taken.Add(word);
            }

            return word;
        }
    }

    private Word Draw(Variable variable)
    {
        IEnumerable<Word> all;
        if (variable.Source.Split('.') is [string owner, string column])
        {
            Link link = this[owner].Links[column];
            all = world.Tables[link.Table].Where(word => link.Names.Contains(word.Name));
        }
        else
        {
            all = world.Tables[variable.Source];
        }

        // A word's link may leave no other choice; then the word comes again.
        Word[] left = [.. all.Where(word => !taken.Contains(word))];
        left = left.Length > 0 ? left : [.. all];
        return left[choices.Pick([.. left.Select(word => word.Weight)])];
    }
}
