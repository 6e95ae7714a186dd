namespace ModelCompiler.Tests;

/// <summary>Finds the trained models, tokenizers and texts that may lie beside the checkout. A fresh clone has none: such tests say so and are skipped.</summary>
internal static class SharedData
{
    /// <summary>Full path of <paramref name="relative"/> under the data folder beside the repository; skips the running test when it is absent.</summary>
    public static string Require(string relative)
    {
        string path = Path.Combine(RepositoryRoot, "..", "shared", relative);
        Assert.SkipUnless(Path.Exists(path), $"'{relative}' is not beside this checkout.");
        return Path.GetFullPath(path);
    }

    /// <summary>The folder that holds ModelCompiler.sln.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "ModelCompiler.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("ModelCompiler.sln was not found above " + AppContext.BaseDirectory);
    }
}
