namespace StoryWorld.Grammar;

/// <summary>One wording of a meaning in one language: pieces that are written one after the other.</summary>
public sealed record Template(IReadOnlyList<Piece> Pieces);

/// <summary>A piece of a template.</summary>
public abstract record Piece;

/// <summary>Text as it stands.</summary>
public sealed record Literal(string Text) : Piece;

/// <summary><c>{hero}</c>, <c>{hero.his}</c>: a form of the word that a variable stands for; without one, the word's name in the language.</summary>
public sealed record Slot(string Variable, string? Form) : Piece;

/// <summary>
/// <c>(big|large|)</c>: one of several, equally likely. <c>(1:big|small)</c>: the choice has a number, and within a meaning all choices of
/// that number, in both languages, fall alike.
/// </summary>
public sealed record OneOf(IReadOnlyList<Template> Options, char? Number) : Piece;

/// <summary><c>[puts/put]</c>: a story is told in the present or in the past, from its beginning to its end.</summary>
public sealed record Tensed(Template Present, Template Past) : Piece;

/// <summary><c>&lt;greeting&gt;</c>: a phrase, of the same meaning in both languages.</summary>
public sealed record Nested(string Phrase) : Piece;
