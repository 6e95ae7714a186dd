using ModelCompiler.Runtime.Files;

namespace StoryWorld.Corpus;

/// <summary>A text file (UTF-8) that takes its name only when it is complete; until then it lies beside it.</summary>
public sealed class NewFile : IDisposable
{
    private readonly WholeFile file;

    public NewFile(string path)
    {
        file = new WholeFile(path, followLinks: true);
        Text = new StreamWriter(file.Stream);
    }

    public TextWriter Text { get; }

    public void Commit()
    {
        Text.Flush();
        file.Commit();
    }

    /// <summary>Nothing is left of a file that was not committed.</summary>
    public void Dispose() => file.Dispose();
}
