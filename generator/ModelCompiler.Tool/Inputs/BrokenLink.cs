namespace ModelCompiler.Tool.Inputs;

/// <summary>A symbolic link, as model hubs' caches name their files by, that leads to nothing.</summary>
internal static class BrokenLink
{
    /// <summary>The full path that the link, or the last of several, names; null: the path is no link, or there is something.</summary>
    public static string? Target(string path)
        => new FileInfo(path) is { LinkTarget: not null } link && link.ResolveLinkTarget(returnFinalTarget: true) is { Exists: false } target ? target.FullName : null;
}
