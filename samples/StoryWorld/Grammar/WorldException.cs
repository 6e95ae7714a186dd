namespace StoryWorld.Grammar;

/// <summary>The grammar's text says something that cannot be; the message names file and line.</summary>
public sealed class WorldException(string message) : FormatException(message);
