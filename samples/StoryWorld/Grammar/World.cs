namespace StoryWorld.Grammar;

/// <summary>
/// A word of both languages. Columns of a table are its forms; a column declared as <c>eats&gt;fodder</c> is a link: the names of words
/// of that table.
/// </summary>
public sealed record Word(string Name, int Weight, IReadOnlyDictionary<string, string> Forms, IReadOnlyDictionary<string, Link> Links);

/// <summary>The words of a table that another word goes with, by their names.</summary>
public sealed record Link(string Table, IReadOnlyList<string> Names);

/// <summary>One thing that can be said, in several wordings for each language.</summary>
public sealed record Meaning(int Weight, IReadOnlyList<Template> English, IReadOnlyList<Template> Chinese);

/// <summary>A stretch of a document: some of its meanings are said, or none.</summary>
/// <param name="Percent">How likely it is that any is said.</param>
/// <param name="Least">Fewest that are said then; all numbers up to <paramref name="Most"/> are equally likely.</param>
/// <param name="Most">Most that are said.</param>
/// <param name="Fresh">Each is said of words of its own, and may come again; else all are different meanings, of the same words.</param>
/// <param name="Meanings">What can be said here.</param>
public sealed record Step(int Percent, int Least, int Most, bool Fresh, IReadOnlyList<Meaning> Meanings);

/// <summary>A name that stands for a word.</summary>
/// <param name="Name">Within its scene.</param>
/// <param name="Source">A table, or a link of another variable's word (<c>animal.eats</c>).</param>
/// <param name="Each">It stands for another word each time that a <see cref="Step.Fresh"/> step says something.</param>
public sealed record Variable(string Name, string Source, bool Each);

/// <summary>A kind of document.</summary>
public sealed record Scene(string Name, int Weight, IReadOnlyDictionary<string, Variable> Variables, IReadOnlyList<Step> Steps);

/// <summary>The grammar: what there is and what is told of it.</summary>
public sealed record World(
    IReadOnlyDictionary<string, IReadOnlyList<Word>> Tables,
    IReadOnlyDictionary<string, IReadOnlyList<Meaning>> Phrases,
    IReadOnlyList<Scene> Scenes);
