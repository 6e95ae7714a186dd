namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary><c>modelc copy</c>, and the builds that call it.</summary>
public sealed class CopyTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ACopyHasTheBytesAndTheTimeAndReplacesWhatIsThere()
    {
        string packed = Pack(), copy = folder["copy.mcw"];
        File.SetLastWriteTimeUtc(packed, new DateTime(2020, 2, 3, 4, 5, 6, DateTimeKind.Utc));
        folder.Write("copy.mcw", "something else");
        ChildProcess.Modelc("copy", packed, copy).Expect(0);
        Assert.Equal(File.ReadAllBytes(packed), File.ReadAllBytes(copy));
        Assert.Equal(File.GetLastWriteTimeUtc(packed), File.GetLastWriteTimeUtc(copy));
        byte[] before = File.ReadAllBytes(packed);
        ChildProcess.Modelc("copy", packed, packed).Expect(0); // lays it out anew
        Assert.Equal(before, File.ReadAllBytes(packed));
    }

    [Fact]
    public void ALinkStaysAndWhatItLeadsToIsReplaced()
    {
        string packed = Pack();
        folder.Write("real.mcw", "something else");
        File.CreateSymbolicLink(folder["link.mcw"], folder["real.mcw"]);
        ChildProcess.Modelc("copy", packed, folder["link.mcw"]).Expect(0);
        Assert.Equal(folder["real.mcw"], new FileInfo(folder["link.mcw"]).LinkTarget);
        Assert.Equal(File.ReadAllBytes(packed), File.ReadAllBytes(folder["real.mcw"]));
    }

    [Theory]
    [InlineData(127, "the file is cut off: found 127 bytes, expected 128 or more")]
    [InlineData(1000, "data length: found ")]
    public void WhatIsCutOffIsRefusedAndNothingReplaced(int length, string said)
    {
        string packed = Pack(), copy = folder["copy.mcw"];
        File.WriteAllBytes(packed, File.ReadAllBytes(packed)[..length]);
        folder.Write("copy.mcw", "as before");
        Finished refused = ChildProcess.Modelc("copy", packed, copy).Expect(1);
        Assert.StartsWith($"modelc: error MC321: '{packed}': {said}", refused.Error);
        Assert.Equal("as before", File.ReadAllText(copy));
    }

    [Theory]
    [InlineData("other", "copy.mcw", "'{0}': this is no packed weights file: found 736f6d6574686961 in the first 8 bytes")]
    [InlineData("short", "copy.mcw", "'{0}': this is no packed weights file: found 7465787400000000 in the first 8 bytes")]
    [InlineData("none", "copy.mcw", "'{0}': found no such file")]
    [InlineData("", "copy.mcw", "'{0}': found a folder, expected a file.")]
    [InlineData("packed/tiny.mcw", "packed", "'{1}': found a folder, expected a file or nothing there.")]
    public void WhatCannotBeCopiedIsNamed(string from, string to, string said)
    {
        Pack();
        folder.Write("short", "text");
        folder.Write("other", string.Concat(Enumerable.Repeat("somethia", 20)));
        Finished refused = ChildProcess.Modelc("copy", folder[from], folder[to]).Expect(1);
        Assert.StartsWith("modelc: error MC321: " + string.Format(null, said, folder[from], folder[to]), refused.Error);
        Assert.False(File.Exists(folder["copy.mcw"]));
    }

    /// <summary>On Linux; elsewhere, and where modelc cannot, the SDK copies.</summary>
    [Fact]
    public void BuildAndPublishCopyWithIt()
    {
        using TemporaryProject project = new();
        project.Synthesise();
        string output = Path.Combine("bin", "Release", "net10.0", "tiny.mcw");
        Finished build = project.Build("-v:d").Expect(0);
        Assert.Equal(OperatingSystem.IsLinux(), build.Output.Contains($"Wrote {output}: "));
        Assert.Equal(!OperatingSystem.IsLinux(), build.Output.Contains("tiny.mcw\" to \""));
        Assert.DoesNotContain("Wrote ", project.Build("-v:d").Expect(0).Output);

        Finished publish = ChildProcess.Dotnet(project.Root, "publish", "--nologo", "-c", "Release", "-o", "out $HOME", "-v:d").Expect(0);
        Assert.Equal(OperatingSystem.IsLinux(), publish.Output.Contains($"Wrote {project[Path.Combine("out $HOME", "tiny.mcw")]}: "));
        byte[] packed = File.ReadAllBytes(Assert.Single(Directory.EnumerateFiles(project["obj"], "tiny.mcw", SearchOption.AllDirectories)));
        Assert.Equal(packed, File.ReadAllBytes(project[output]));
        Assert.Equal(packed, File.ReadAllBytes(project[Path.Combine("out $HOME", "tiny.mcw")]));
        Assert.StartsWith("first f32 ", project.Run());
        Assert.DoesNotContain("Wrote ", ChildProcess.Dotnet(project.Root, "publish", "--nologo", "-c", "Release", "-o", "other", "-v:d", "-p:ModelCompilerCopies=false").Expect(0).Output);
        Assert.Equal(packed, File.ReadAllBytes(project[Path.Combine("other", "tiny.mcw")]));
    }

    private string Pack()
    {
        ChildProcess.Modelc("pack", folder.Synthesise("tiny"), "-o", folder["packed"]).Expect(0);
        return folder[Path.Combine("packed", "tiny.mcw")];
    }
}
