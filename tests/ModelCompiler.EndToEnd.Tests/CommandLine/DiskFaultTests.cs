using System.Globalization;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Tool.Commands;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>What modelc says of a disk, given what .NET throws (seen on a tmpfs of 256 kB, on one mounted read-only, and as a user who may not write).</summary>
public sealed class DiskFaultTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(28, "No space left on device", "found no space left")]
    [InlineData(30, "Read-only file system", "found one that can only be read")]
    public void TheFolderIsNamedInsteadOfWhatWasHalfWritten(int error, string system, string said)
    {
        string half = Path.Combine(folder.Root, "checkpoints", "90bd.tmp", "model.safetensors.23630.partial");
        string told = DiskFaults.Describe(new IOException($"{system} : '{half}'", error));
        Assert.StartsWith($"the disk of '{folder.Root}': {said}", told);
        Assert.DoesNotContain("partial", told);
    }

    [Theory]
    [InlineData("out/ab12.tmp", "the folder '{0}': found one that you may not use, expected one that you may read and write.")]
    [InlineData("file", "'{1}': found a file that you may not use, expected one that you may read and write.")]
    [InlineData("folder", "'{1}': found a folder, expected a file, or a folder that you may read and write.")]
    public void WhatMayNotBeUsedIsNamed(string path, string said)
    {
        folder.Write("file", "");
        Directory.CreateDirectory(folder["folder"]);
        string told = DiskFaults.Describe(new UnauthorizedAccessException($"Access to the path '{folder[path]}' is denied."));
        Assert.StartsWith(string.Format(CultureInfo.InvariantCulture, said, folder.Root, folder[path]), told);
    }

    [Fact]
    public void AFolderInPlaceOfAFileIsNamed()
    {
        Directory.CreateDirectory(folder["model.mcw"]);
        IOException fault = Assert.Throws<IOException>(() => WholeFile.Write(folder["model.mcw"], "text"));
        Assert.Equal($"'{folder["model.mcw"]}': found a folder, expected a file or nothing there. Move it away, or name another place.", DiskFaults.Describe(fault));
        Assert.Equal([folder["model.mcw"]], Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public void ALinkThatLeadsNowhereIsNamedWithItsTarget()
    {
        string link = folder["model.safetensors"], target = folder["blobs/1f0a"];
        File.CreateSymbolicLink(link, target);
        FileNotFoundException fault = Assert.Throws<FileNotFoundException>(() => File.OpenRead(link));
        Assert.Equal($"'{link}': found a link to '{target}', where there is nothing, expected a file that can be read.", DiskFaults.Describe(fault));
        File.CreateSymbolicLink(folder["config.json"], "blobs/2c");
        Assert.Contains($"{folder["config.json"]}: error MC021: file: found a link to '{folder["blobs/2c"]}', where there is nothing", Assert.Throws<ModelException>(() => ModelFolder.Open(folder.Root)).Message);
        File.Delete(folder["config.json"]);
        folder.Write("config.json", """{ "model_type": "llama" }""");
        Assert.Contains($"{link}: error MC021: file: found a link to '{target}', where there is nothing, expected a file that can be read.", Assert.Throws<ModelException>(() => ModelFolder.Open(folder.Root)).Message);
    }

    [Fact]
    public void AFileThatIsNotThereIsNamed()
        => Assert.Equal(
            $"'{folder["x.tmp"]}': found no such file, expected one that can be read, or a place where one can be made.",
            DiskFaults.Describe(Assert.Throws<FileNotFoundException>(() => File.OpenRead(folder["x.tmp"]))));

    /// <summary>As the user wrote it, whatever links lead to it.</summary>
    [Theory]
    [InlineData("none")]
    [InlineData("link/none")]
    public void AFolderThatIsNotThereIsNamed(string name)
    {
        string none = Path.GetFullPath(folder[name]);
        Directory.CreateDirectory(folder["real"]);
        Directory.CreateSymbolicLink(folder["link"], "real");
        Assert.Equal(
            $"the folder '{none}': found no such folder, expected one that is there. Make it first, or name another place.",
            DiskFaults.Describe(Assert.Throws<DirectoryNotFoundException>(() => WholeFile.Write(Path.Combine(none, "f"), "text", followLinks: true))));
    }

    /// <summary>/dev/full takes nothing; a closed output is none; a program that has ended reads no more, and is told nothing. Without standard error the exit code speaks alone.</summary>
    [Theory]
    [InlineData("inspect absent >/dev/full", 1, "absent: error MC021: ")]
    [InlineData("--help >/dev/full", 1, "modelc: error MC321: standard output: found no space left where it goes, expected enough for what is written.")]
    [InlineData("cache >&-", 1, "modelc: error MC321: standard output: found one that is closed, expected one that can be written to.")]
    [InlineData("--help | true", 0, "")]
    [InlineData("inspect absent 2>/dev/full", 1, "")]
    [InlineData("bogus 2>&-", 2, "")]
    public void OutputThatTakesNothingIsNamed(string command, int exitCode, string said)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full is Linux's.");
        Finished ended = ChildProcess.Program("/bin/bash", folder.Root, "-c", $"set -o pipefail; dotnet '{ChildProcess.ToolPath}' {command}").Expect(exitCode);
        Assert.StartsWith(said, ended.Error);
        Assert.True(ended.Error.Count(letter => letter == '\n') <= 1, ended.Error);
    }

    [Fact]
    public void AnyOtherFaultIsSaidAsItIs() => Assert.Equal("The pipe is broken.", DiskFaults.Describe(new IOException("The pipe is broken.", 32)));
}
