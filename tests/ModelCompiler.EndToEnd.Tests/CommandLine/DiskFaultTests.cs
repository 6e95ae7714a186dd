using ModelCompiler.Tool.Commands;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>What modelc says of a disk, given what .NET throws (seen on a tmpfs of 256 kB and on one mounted read-only).</summary>
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

    [Fact]
    public void AnyOtherFaultIsSaidAsItIs() => Assert.Equal("The pipe is broken.", DiskFaults.Describe(new IOException("The pipe is broken.", 32)));
}
