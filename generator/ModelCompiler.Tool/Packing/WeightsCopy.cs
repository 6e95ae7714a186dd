using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Memory;
using ModelCompiler.Runtime.Weights;

namespace ModelCompiler.Tool.Packing;

/// <summary>
/// Copies packed weights in pieces of a huge page, as <see cref="WeightsFileWriter"/> writes them: what <c>cp</c> or MSBuild has copied lies in small pages of the page cache until it is
/// read from the disk again by who asks for large ones, as a model does.
/// </summary>
internal static class WeightsCopy
{
    /// <summary>Replaces what is at <paramref name="to"/>, or what a link there leads to; who reads that goes on reading the old one. The copy is as old as the file.</summary>
    /// <param name="from">A packed weights file.</param>
    /// <param name="to">A file or nothing, in a folder that exists.</param>
    /// <param name="begin">Takes the length in bytes; what it gives receives the number of bytes copied so far.</param>
    /// <param name="cancellation">Stops between pieces, and leaves nothing.</param>
    /// <exception cref="WeightsFileException">It is none, or cut off.</exception>
    /// <exception cref="IOException">It cannot be read, or the copy not written.</exception>
    public static void Copy(string from, string to, Func<long, IProgress<long>> begin, CancellationToken cancellation)
    {
        FilePlace.RequireReadable(from);
        using FileStream source = new(from, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        byte[] piece = new byte[HugePages.Bytes];
        int read = source.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false);
        if (read < WeightsHeader.LengthBytes && WeightsHeader.Magic.StartsWith(piece.AsSpan(0, Math.Min(read, WeightsHeader.Magic.Length))))
        {
            throw WeightsHeaderFields.Truncated($"'{from}'", read, WeightsHeader.LengthBytes);
        }

        WeightsHeaderFields header = WeightsHeaderFields.Read($"'{from}'", piece.AsSpan(0, Math.Max(read, WeightsHeader.LengthBytes)), source.Length);
        IProgress<long> progress = begin(header.FileLength);
        using WholeFile copy = new(to, bufferSize: 0, followLinks: true);
        long copied = 0;
        for (; read > 0; read = source.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false))
        {
            cancellation.ThrowIfCancellationRequested();
            copy.Stream.Write(piece, 0, read);
            progress.Report(copied += read);
        }

        if (copied < header.FileLength)
        {
            throw WeightsHeaderFields.Truncated($"'{from}'", copied, header.FileLength); // meanwhile
        }

        File.SetLastWriteTimeUtc(copy.Stream.SafeFileHandle, File.GetLastWriteTimeUtc(source.SafeFileHandle));
        copy.Commit();
    }
}
