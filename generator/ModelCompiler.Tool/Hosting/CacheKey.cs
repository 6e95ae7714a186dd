using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Tool.Hosting;

/// <summary>
/// What a compiled model depends on, as one hash: the text of every JSON file of its folder, length, time and first megabyte (which
/// begins with the header) of every weights file, the choices made, and the exact build of the compiler, the runtime and this tool.
/// </summary>
internal static class CacheKey
{
    private const int BeginningBytes = 1 << 20;

    /// <summary>Characters of a key.</summary>
    public const int Length = 40;

    /// <summary><see cref="Length"/> lower-case hexadecimal digits.</summary>
    public static string Of(string folder, string weights, string targets)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, weights, targets, Path.GetFullPath(folder));
        foreach (Type part in (Type[])[typeof(CacheKey), typeof(Compiler.ModelCompilation), typeof(Runtime.CompiledModel)])
        {
            Add(hash, part.Module.ModuleVersionId.ToString());
        }

        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles().Where(file => FilePlace.Other(file.FullName) is null).OrderBy(file => file.Name, StringComparer.Ordinal))
        {
            if (file.Extension is ".json")
            {
                byte[] text = File.ReadAllBytes(file.FullName);
                Add(hash, file.Name, Text(text.Length));
                hash.AppendData(text);
            }
            else if (file.Extension is ".safetensors")
            {
                Add(hash, file.Name);
                AddBeginning(hash, file.FullName);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..Length];
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static void Add(IncrementalHash hash, params ReadOnlySpan<string> texts)
    {
        foreach (string text in texts)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(text));
            hash.AppendData("\0"u8);
        }
    }

    private static void AddBeginning(IncrementalHash hash, string path)
    {
        using FileStream stream = File.OpenRead(path); // which follows a symbolic link, as FileInfo does not
        Add(hash, Text(stream.Length), Text(File.GetLastWriteTimeUtc(stream.SafeFileHandle).Ticks));
        byte[] beginning = new byte[(int)Math.Min(BeginningBytes, stream.Length)];
        hash.AppendData(beginning.AsSpan(0, stream.ReadAtLeast(beginning, beginning.Length, throwOnEndOfStream: false)));
    }
}
