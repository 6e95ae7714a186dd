using System.Text;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Runtime.Files;

namespace ModelCompiler.Tool.Inputs;

/// <summary>Reads the text files of a model: UTF-8 without exception, and of bounded length. A byte order mark is no part of the text.</summary>
internal static class ModelText
{
    /// <summary>The longest text that is read, 256 MiB: many times the largest tokenizer.json.</summary>
    public const long LongestBytes = 256L << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private const int PieceBytes = 1 << 16;

    /// <summary>A file of a model's folder.</summary>
    /// <exception cref="ModelException">The file is missing, no file, too long, cannot be read or is not UTF-8.</exception>
    public static TextFile Read(string path, string advice)
        => FilePlace.Other(path) is { } other ? throw Unreadable(path, "file", other, "a file", advice) : ReadBounded(path, advice, CancellationToken.None);

    /// <summary>A text that the command line names: it may come through a pipe, such as a shell's &lt;(command).</summary>
    /// <exception cref="ModelException">The file is missing, too long, cannot be read or is not UTF-8.</exception>
    /// <exception cref="OperationCanceledException">Also while a pipe that nobody writes is waited for.</exception>
    public static TextFile ReadNamed(string path, string advice, CancellationToken cancellation)
    {
        Task<TextFile> reading = Task.Run(() => ReadBounded(path, advice, cancellation), CancellationToken.None); // no system call that waits for a pipe can be cancelled
        Task.WaitAny([reading], cancellation);
        return reading.GetAwaiter().GetResult();
    }

    private static TextFile ReadBounded(string path, string advice, CancellationToken cancellation)
    {
        if (!File.Exists(path))
        {
            throw Unreadable(path, "file", FilePlace.Other(path) ?? "no such file", "a file that can be read", advice);
        }

        try
        {
            using FileStream file = File.OpenRead(path);
            if (file.CanSeek && file.Length > LongestBytes) // of the file, where the path is a symbolic link; a pipe has no length
            {
                throw Unreadable(path, "length", $"{file.Length} bytes", $"at most {LongestBytes}", advice);
            }

            using MemoryStream bytes = new(file.CanSeek ? (int)file.Length : 0);
            byte[] piece = new byte[PieceBytes];
            for (int read = file.Read(piece); read > 0; read = file.Read(piece))
            {
                cancellation.ThrowIfCancellationRequested();
                if (bytes.Length + read > LongestBytes) // what has no length may have no end: /dev/zero
                {
                    throw Unreadable(path, "length", $"more than {LongestBytes} bytes", $"at most {LongestBytes}", advice);
                }

                bytes.Write(piece, 0, read);
            }

            return new(path, Decode(path, bytes.GetBuffer().AsSpan(0, (int)bytes.Length)).TrimStart('\uFEFF'));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, "file", Found(path, exception), "a file that can be read", advice);
        }
    }

    /// <summary>What was found in place of a file that can be read.</summary>
    public static string Found(string path, Exception exception)
        => FilePlace.Other(path) is { } other ? other
            : exception is UnauthorizedAccessException ? "one that you may not read"
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
    private static ModelException Unreadable(string path, string subject, string found, string expected, string advice)
        => new(Catalogue.UnreadableFile.Create(new SourceSpan(path), subject, found, expected, advice));
}
