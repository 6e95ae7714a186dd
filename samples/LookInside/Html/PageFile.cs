using System.Text;

namespace LookInside.Html;

/// <summary>A file that is there whole or not at all.</summary>
internal static class PageFile
{
    /// <summary>Writes beside and renames.</summary>
    public static void Write(string path, string text)
    {
        string beside = path + ".part";
        try
        {
            File.WriteAllText(beside, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }
}
