using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// Which names from files may go on into C#, comments and paths. The sets are small on purpose: nothing in them can end a string
/// literal or a comment, begin a directive, leave a folder or turn the direction of text.
/// </summary>
public static class SafeName
{
    /// <summary>Characters in the longest tensor name that is accepted.</summary>
    public const int LongestTensorName = 256;

    /// <summary>Characters in the longest file name that is accepted.</summary>
    public const int LongestFileName = 255;

    private const string TensorRule = "1 to 256 characters out of A-Z a-z 0-9 . _ - / :";
    private const string FileRule = "a plain file name of at most 255 characters out of A-Z a-z 0-9 . _ - + and space, with no folder";

    /// <summary>Reports <c>MC010</c> for a tensor name that is not safe.</summary>
    public static bool CheckTensor(string name, SourceSpan where, ICollection<ModelDiagnostic> diagnostics)
    {
        if (name.Length is > 0 and <= LongestTensorName && name.All(c => IsWord(c) || c is '/' or ':'))
        {
            return true;
        }

        diagnostics.Report(
            Catalogue.UnsafeName, where, "tensor name", DiagnosticReporting.Quote(name), TensorRule,
            "Rename the tensor, and do not use files from a source that you do not trust.");
        return false;
    }

    /// <summary>Reports <c>MC010</c> for a model name that cannot be part of file names and type names.</summary>
    public static bool CheckModel(string name, SourceSpan where, ICollection<ModelDiagnostic> diagnostics)
    {
        if (name.Length is > 0 and <= 128 && name.All(IsWord) && name[0] != '.' && name[name.Length - 1] != '.')
        {
            return true;
        }

        diagnostics.Report(
            Catalogue.UnsafeName, where, "model name", DiagnosticReporting.Quote(name),
            "1 to 128 characters out of A-Z a-z 0-9 . _ -, with no dot at either end",
            "A model is called as its folder is, unless it is given another name: Name of the CompiledModel item, --name of 'modelc pack'.");
        return false;
    }

    /// <summary>Reports <c>MC015</c> for a file name that is not that of a file in the model's own folder.</summary>
    public static bool CheckFile(string name, SourceSpan where, ICollection<ModelDiagnostic> diagnostics)
    {
        if (IsFile(name))
        {
            return true;
        }

        diagnostics.Report(
            Catalogue.ShardPath, where, "file name", DiagnosticReporting.Quote(name), FileRule,
            "Put all files of the model into one folder, and do not use files from a source that you do not trust.");
        return false;
    }

    /// <summary>What follows the last slash or backslash of a path.</summary>
    internal static string LastPart(string path) => path.Substring(path.LastIndexOfAny(['/', '\\']) + 1);

    // Neither separators nor colons pass, so neither rooted paths nor drives nor streams do; nor do the dots of '..' at the start.
    private static bool IsFile(string name)
        => name.Length is > 0 and <= LongestFileName
        && name.All(c => IsWord(c) || c is '+' or ' ')
        && name[0] is not ('.' or ' ')
        && name[name.Length - 1] is not ('.' or ' ');

    private static bool IsWord(char c)
        => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or (>= '0' and <= '9') or '.' or '_' or '-';
}
