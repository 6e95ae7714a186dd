namespace StoryWorld.Grammar;

/// <summary>Everything that a scene can say is looked at once, so that no document fails when it is written.</summary>
public static class WorldCheck
{
    /// <exception cref="WorldException">A name that stands for nothing, a form that a word lacks, a meaning that a language lacks.</exception>
    public static void Run(World world)
    {
        foreach (Scene scene in world.Scenes)
        {
            foreach (Step step in scene.Steps)
            {
                Require(step.Least <= step.Most && (step.Fresh || step.Most <= step.Meanings.Count), $"a step says {step.Least} to {step.Most} of {step.Meanings.Count} meanings", scene);
                foreach (Meaning meaning in step.Meanings)
                {
                    Check(meaning, scene, world);
                }
            }
        }
    }

    /// <summary>The words that a variable may stand for.</summary>
    public static IEnumerable<Word> WordsOf(string variable, Scene scene, World world)
    {
        Require(scene.Variables.TryGetValue(variable, out Variable? found), $"no variable '{variable}'", scene);
        if (found!.Source.Split('.') is not [string owner, string column])
        {
            Require(world.Tables.ContainsKey(found.Source), $"no table '{found.Source}'", scene);
            return world.Tables[found.Source];
        }

        return WordsOf(owner, scene, world).SelectMany(word =>
        {
            Require(word.Links.TryGetValue(column, out Link? link), $"'{word.Name}' has no link '{column}'", scene);
            Require(world.Tables.ContainsKey(link!.Table), $"no table '{link.Table}'", scene);
            List<Word> words = [.. world.Tables[link.Table].Where(other => link.Names.Contains(other.Name))];
            Require(words.Count == link.Names.Count, $"'{word.Name}' goes with {string.Join(", ", link.Names)}; {words.Count} of them found in '{link.Table}'", scene);
            return words;
        }).Distinct();
    }

    private static void Check(Meaning meaning, Scene scene, World world)
    {
        Require(meaning.English.Count > 0 && meaning.Chinese.Count > 0, "a meaning lacks its wording in one language", scene);
        foreach (Template template in meaning.English)
        {
            Check(template, "en", scene, world);
        }

        foreach (Template template in meaning.Chinese)
        {
            Check(template, "zh", scene, world);
        }

        foreach (IGrouping<char?, OneOf> choice in meaning.English.Concat(meaning.Chinese).SelectMany(ChoicesIn).Where(one => one.Number is not null).GroupBy(one => one.Number))
        {
            Require(choice.Select(one => one.Options.Count).Distinct().Count() == 1, $"the choices of number {choice.Key} have not as many parts each", scene);
        }
    }

    private static IEnumerable<OneOf> ChoicesIn(Template template) => template.Pieces.SelectMany(piece => piece switch
    {
        OneOf oneOf => oneOf.Options.SelectMany(ChoicesIn).Prepend(oneOf),
        Tensed tensed => ChoicesIn(tensed.Present).Concat(ChoicesIn(tensed.Past)),
        _ => [],
    });

    private static void Check(Template template, string language, Scene scene, World world)
    {
        foreach (Piece piece in template.Pieces)
        {
            switch (piece)
            {
                case Slot slot:
                    string form = slot.Form ?? language;
                    Word? lacking = WordsOf(slot.Variable, scene, world).FirstOrDefault(word => !word.Forms.ContainsKey(form));
                    Require(lacking is null, $"'{lacking?.Name}' has no form '{form}'", scene);
                    break;
                case OneOf oneOf:
                    oneOf.Options.ToList().ForEach(option => Check(option, language, scene, world));
                    break;
                case Tensed tensed:
                    Check(tensed.Present, language, scene, world);
                    Check(tensed.Past, language, scene, world);
                    break;
                case Nested nested:
                    Require(world.Phrases.TryGetValue(nested.Phrase, out IReadOnlyList<Meaning>? meanings), $"no phrase '{nested.Phrase}'", scene);
                    meanings!.ToList().ForEach(meaning => Check(meaning, scene, world));
                    break;
            }
        }
    }

    private static void Require(bool holds, string wrong, Scene scene)
    {
        if (!holds)
        {
            throw new WorldException($"scene {scene.Name}: {wrong}");
        }
    }
}
