using System.Text;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Tool.Inputs;

/// <summary>Reads the text files of a model: UTF-8 without exception, and of bounded length.</summary>
internal static class ModelText
{
    /// <summary>The longest text that is read, 256 MiB: many times the largest tokenizer.json.</summary>
    public const long LongestBytes = 256L << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <exception cref="ModelException">The file is missing, too long, cannot be read or is not UTF-8.</exception>
    public static TextFile Read(string path, string advice)
    {
        if (!File.Exists(path))
        {
            throw new ModelException(Catalogue.UnreadableFile.Create(new SourceSpan(path), "file", Directory.Exists(path) ? "a folder" : "no such file", "a file that can be read", advice));
        }

        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.CanSeek && file.Length > LongestBytes) // of the file, where the path is a symbolic link; a pipe has no length
            {
                throw new ModelException(Catalogue.UnreadableFile.Create(new SourceSpan(path), "length", $"{file.Length} bytes", $"at most {LongestBytes}", advice));
            }

            using MemoryStream bytes = new();
            file.CopyTo(bytes);
            return new(path, Decode(path, bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException(Catalogue.UnreadableFile.Create(
                new SourceSpan(path), "file", Found(path, exception), "a file that can be read", advice));
        }
    }

    /// <summary>What was found in place of a file that can be read.</summary>
    public static string Found(string path, Exception exception)
        => exception is UnauthorizedAccessException ? Directory.Exists(path) ? "a folder" : "one that you may not read"
            : BrokenLink.Target(path) is { } target ? $"a link to '{target}', where there is nothing"
            : exception.Message.TrimEnd('.');

    /// <exception cref="ModelException">The bytes are not UTF-8.</exception>
    public static string Decode(string path, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new ModelException(Catalogue.BrokenJson.Create(
                new SourceSpan(path), "text", $"bytes that are not UTF-8 at {exception.Index}", "UTF-8", "Download the file again."));
        }
    }
}
