using System.Diagnostics;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Runtime.Tests.Files;

public sealed class WholeFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("模型 file ").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void WhatFailsLeavesTheFileThatWasThere()
    {
        string path = At("f");
        WholeFile.Write(path, "old");
        Assert.Throws<InvalidOperationException>(() => WholeFile.Write(path, _ => throw new InvalidOperationException()));
        Assert.Equal("old", File.ReadAllText(path));
        WholeFile.Write(path, "new");
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(folder));
    }

    /// <summary>As in a model hub's cache, whose folder somebody reaches by a link of his own: what a link names begins where the link really lies.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    public void ALinkStaysAndWhatItLeadsToIsReplaced(string name)
    {
        Directory.CreateDirectory(At("blobs"));
        Directory.CreateDirectory(At(Path.Combine("hub", "snapshot")));
        WholeFile.Write(At("blobs/a"), "old");
        File.CreateSymbolicLink(At("hub/snapshot/a"), "../../blobs/a");
        File.CreateSymbolicLink(At("hub/snapshot/b"), At("hub/snapshot/a"));
        File.CreateSymbolicLink(At("hub/snapshot/c"), "../../blobs/c"); // where there is nothing yet
        Directory.CreateSymbolicLink(At("model"), "hub/snapshot");

        WholeFile.Write(At($"model/{name}"), "new");

        Assert.Equal("new", File.ReadAllText(At(name == "c" ? "blobs/c" : "blobs/a")));
        Assert.All(["a", "b", "c"], link => Assert.NotNull(new FileInfo(At($"hub/snapshot/{link}")).LinkTarget));
        Assert.Equal(3, Directory.GetFileSystemEntries(At("hub/snapshot")).Length);
        Assert.Equal(name == "c" ? 2 : 1, Directory.GetFileSystemEntries(At("blobs")).Length);
    }

    [Fact]
    public void LinksInACircleAreNamed()
    {
        File.CreateSymbolicLink(At("a"), "b");
        File.CreateSymbolicLink(At("b"), "a");
        Assert.Equal($"'{At("a")}': found links that lead in a circle, expected a file or nothing there. Name another place.", Assert.Throws<IOException>(() => FilePlace.Of(At("a"))).Message);
    }

    [Fact]
    public void WhatIsNoFileIsNamed()
    {
        Directory.CreateDirectory(At("f"));
        Refused(At("f"), "a folder", "Move it away, or name another place.");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Devices and pipes are told apart on Linux.");
        Refused("/dev/null", "a device");
        File.CreateSymbolicLink(At("null"), "/dev/null");
        Refused(At("null"), "a device");
        Process.Start("mkfifo", [At("pipe")]).WaitForExit();
        Refused(At("pipe"), "a named pipe");

        static void Refused(string path, string found, string remedy = "Name another place.")
            => Assert.Equal($"'{path}': found {found}, expected a file or nothing there. {remedy}", Assert.Throws<IOException>(() => FilePlace.Of(path)).Message);
    }

    private string At(string path) => Path.Combine(folder, path);
}
