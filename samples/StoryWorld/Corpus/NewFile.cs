using System.Text;

namespace StoryWorld.Corpus;

/// <summary>A text file (UTF-8) that takes its name only when it is complete; until then it lies beside it.</summary>
public sealed class NewFile : IDisposable
{
    private readonly string path;
    private readonly string beside;

    public NewFile(string path)
    {
        this.path = path;
        beside = path + ".new";
        Text = new StreamWriter(beside, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    public TextWriter Text { get; }

    public void Commit()
    {
        Text.Dispose();
        File.Move(beside, path, overwrite: true);
    }

    /// <summary>Nothing is left of a file that was not committed.</summary>
    public void Dispose()
    {
        Text.Dispose();
        File.Delete(beside);
    }
}
