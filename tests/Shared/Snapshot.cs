using System.Runtime.CompilerServices;

namespace ModelCompiler.Tests;

/// <summary>
/// Text held to a file in the folder <c>Snapshots</c> beside the test. The one place that knows how: to update the files run the tests with
/// <c>UPDATE_SNAPSHOTS=1</c> and read the difference in the version control. (Snapshooter.Xunit brings xunit 2, which does not go together
/// with xunit 3.)
/// </summary>
internal static class Snapshot
{
    /// <summary>Fails when <paramref name="text"/> is not the file's; the received text then lies beside it.</summary>
    public static void Match(string name, string text, [CallerFilePath] string testFile = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(testFile)!, "Snapshots", name + ".snap");
        string received = path + ".received.txt";
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
            File.Delete(received);
            return;
        }

        string expected = File.Exists(path) ? File.ReadAllText(path) : "";
        if (text != expected)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(received, text);
        }

        Assert.Equal(expected, text);
        File.Delete(received);
    }
}
