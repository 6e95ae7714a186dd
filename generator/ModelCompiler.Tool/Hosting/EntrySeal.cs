using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ModelCompiler.Tool.Hosting;

/// <summary>
/// Tells an entry of the cache that was cut off, edited or half deleted from a whole one: name, length and hash of the beginning of
/// every file. Code is hashed in full; large weights are not, whatever the model's size (loading checks their header against the code).
/// </summary>
internal static class EntrySeal
{
    private const string FileName = "seal";
    private const int BeginningBytes = 8 << 20;

    /// <summary>Seals what lies in the folder now.</summary>
    public static void Write(string place) => File.WriteAllText(Path.Combine(place, FileName), Describe(place));

    /// <summary>True when all is as it was sealed.</summary>
    public static bool IsIntact(string place)
    {
        try
        {
            return File.ReadAllText(Path.Combine(place, FileName)) == Describe(place);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Describe(string place)
    {
        StringBuilder text = new();
        foreach (string path in Directory.EnumerateFiles(place).Where(path => Path.GetFileName(path) != FileName).Order(StringComparer.Ordinal))
        {
            using FileStream stream = File.OpenRead(path);
            byte[] beginning = new byte[(int)Math.Min(BeginningBytes, stream.Length)];
            stream.ReadExactly(beginning);
            text.Append(CultureInfo.InvariantCulture, $"{Path.GetFileName(path)} {stream.Length} {Convert.ToHexStringLower(SHA256.HashData(beginning))}\n");
        }

        return text.ToString();
    }
}
