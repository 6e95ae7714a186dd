using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Tool.Packing;

/// <summary>
/// The files behind symbolic links that weights were packed from. MSBuild knows a link's own time only, so that the build is told here which files to look at besides: their paths, with | between
/// them. One whose path has a | is left out: the build would look for its parts, find none, and pack every time.
/// </summary>
internal static class LinkedFiles
{
    /// <summary>What such a list is called behind the model's name.</summary>
    public const string Extension = ".links";

    /// <summary>Writes the list; where no file is a link, there is none.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="files">Whatever packing may depend on.</param>
    public static void Write(string path, IEnumerable<string> files)
    {
        string[] targets = [.. files.Where(file => new FileInfo(file).LinkTarget is not null).Select(FilePlace.TryOf).Where(File.Exists).OfType<string>().Where(place => !place.Contains('|')).Distinct().Order(StringComparer.Ordinal)];
        if (targets.Length > 0)
        {
            WholeFile.Write(path, string.Join('|', targets));
        }
        else
        {
            File.Delete(path);
        }
    }
}
