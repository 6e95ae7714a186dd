using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Runtime.Tests.Files;

public sealed class MadeFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("模型 made ").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void WhatStaysEmptyGoesAgain()
    {
        string inner = Path.Combine(folder, "a", "b") + Path.DirectorySeparatorChar;
        new MadeFolder(inner).Dispose();
        Assert.Empty(Directory.GetFileSystemEntries(folder));

        using (new MadeFolder(inner))
        {
            File.WriteAllText(Path.Combine(folder, "a", "f"), "");
        }

        Assert.Equal([Path.Combine(folder, "a", "f")], Directory.GetFileSystemEntries(folder, "*", SearchOption.AllDirectories).Where(File.Exists));
        Assert.False(Directory.Exists(inner));
        new MadeFolder(folder).Dispose();
        new MadeFolder(Path.Combine(folder, "a")).Dispose(); // nobody's to remove
        Assert.True(Directory.Exists(Path.Combine(folder, "a")));
    }

    [Fact]
    public void WhatWasMadeOfAFolderThatCannotBeGoesAgain()
    {
        Assert.ThrowsAny<IOException>(() => new MadeFolder(Path.Combine(folder, "a", "b", new string('n', 300))));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }
}
