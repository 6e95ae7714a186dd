using System.Globalization;

namespace ModelCompiler.Tool.Measurement;

/// <summary>The processor's largest cache: weights that fit are not read from memory for every token, so a memory peak says nothing about them.</summary>
internal static class ProcessorCache
{
    private const string Folder = "/sys/devices/system/cpu/cpu0/cache";

    /// <summary>Bytes of the largest cache that the first processor reaches; 0 where the system does not tell (only Linux does cheaply).</summary>
    public static long LastLevelBytes { get; } = Read();

    private static long Read()
    {
        try
        {
            return Directory.Exists(Folder)
                ? Directory.EnumerateDirectories(Folder, "index*").Select(index => Path.Combine(index, "size")).Where(File.Exists)
                    .Select(path => Parse(File.ReadAllText(path).Trim())).DefaultIfEmpty().Max()
                : 0;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>As the kernel writes it: 32K, 48M.</summary>
    private static long Parse(string text)
    {
        int scale = text.Length == 0 ? 0 : text[^1] switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        return long.TryParse(scale == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number << scale : 0;
    }
}
