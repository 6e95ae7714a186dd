using System.Diagnostics;
using System.Runtime.Versioning;
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

        WholeFile.Write(At($"model/{name}"), "new", followLinks: true);

        Assert.Equal("new", File.ReadAllText(At(name == "c" ? "blobs/c" : "blobs/a")));
        Assert.All(["a", "b", "c"], link => Assert.NotNull(new FileInfo(At($"hub/snapshot/{link}")).LinkTarget));
        Assert.Equal(3, Directory.GetFileSystemEntries(At("hub/snapshot")).Length);
        Assert.Equal(name == "c" ? 2 : 1, Directory.GetFileSystemEntries(At("blobs")).Length);
    }

    [Theory]
    [InlineData("f")]
    [InlineData("none")]
    [InlineData("link")] // in a circle
    [InlineData("folder")]
    public void ALinkThatIsNotFollowedIsReplaced(string target)
    {
        WholeFile.Write(At("f"), "old");
        Directory.CreateDirectory(At("folder"));
        File.CreateSymbolicLink(At("link"), target);
        WholeFile.Write(At("link"), "new");
        Assert.Null(new FileInfo(At("link")).LinkTarget);
        Assert.Equal(("old", "new"), (File.ReadAllText(At("f")), File.ReadAllText(At("link"))));
        Assert.Equal(3, Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories).Length);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void WhoMayReadAndWriteStaysTheSame()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Unix's.");
        UnixFileMode mine = UnixFileMode.UserRead | UnixFileMode.UserWrite, everybodys = mine | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        WholeFile.Write(At("new"), "");
        WholeFile.Write(At("f"), "old");
        foreach (UnixFileMode mode in (UnixFileMode[])[mine, everybodys, UnixFileMode.UserRead])
        {
            File.SetUnixFileMode(At("f"), mode);
            WholeFile.Write(At("f"), "new");
            Assert.Equal(mode, File.GetUnixFileMode(At("f")));
        }

        File.CreateSymbolicLink(At("link"), "f"); // of another model, say
        WholeFile.Write(At("link"), "new");
        Assert.Equal(File.GetUnixFileMode(At("new")), File.GetUnixFileMode(At("link")));
    }

    [Fact]
    public void ANameMayBeAsLongAsTheSystemAllows()
    {
        string path = At(new string('n', 251) + ".mcw");
        WholeFile.Write(path, "text");
        Assert.Equal([path], Directory.GetFiles(folder));
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Told when the file is opened, on Unix.");
        bool begun = false;
        Assert.Contains(path + "w", Assert.ThrowsAny<IOException>(() => WholeFile.Write(path + "w", _ => begun = true)).Message);
        Assert.False(begun);
        Assert.Equal([path], Directory.GetFiles(folder));
    }

    /// <summary>.NET's message has the name of the file beside it; on Windows, none.</summary>
    [Fact]
    public void APlaceThatTakesNoFileInTheEndIsNamed()
    {
        Refused(() => Directory.CreateDirectory(At("f")));
        Assert.Equal([At("f")], Directory.GetFileSystemEntries(folder));
        Directory.Delete(At("f"));
        Assert.SkipWhen(OperatingSystem.IsWindows(), "An open file cannot be removed there.");
        Assert.IsType<FileNotFoundException>(Refused(() => File.Delete(Assert.Single(Directory.GetFiles(folder)))));

        Exception Refused(Action meanwhile)
        {
            using WholeFile file = new(At("f"));
            meanwhile();
            Exception fault = Assert.ThrowsAny<Exception>(() => file.Commit());
            Assert.True(fault is IOException or UnauthorizedAccessException, fault.ToString());
            Assert.Contains($"'{At("f")}'", fault.Message);
            Assert.DoesNotContain(".tmp", fault.Message);
            return fault;
        }
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
