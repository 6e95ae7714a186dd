namespace StoryWorld.Writing;

/// <summary>The time that a document is told in; chosen when a verb first shows it.</summary>
public sealed class Tense(Choices choices)
{
    private bool? past;

    public bool IsPast => past ??= choices.Pick(2) == 1;
}
