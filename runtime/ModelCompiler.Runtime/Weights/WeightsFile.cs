using System.IO.MemoryMappedFiles;
using System.Reflection;
using System.Security.Cryptography;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Numerics;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime.Weights;

/// <summary>
/// Packed weights (<see cref="WeightsHeader"/>), used where they lie: a file mapped into memory, read-only, or a resource of the
/// model's assembly. Only the header is read when it is opened, so that opening takes the same time for any model.
/// </summary>
internal sealed unsafe class WeightsFile : IDisposable
{
    private readonly string source;
    private readonly WeightsHeaderFields header;
    private readonly MemoryMappedFile? file;
    private readonly MappedSection? section;
    private readonly UnmanagedMemoryStream? resource;

    private WeightsFile(string source, string path)
    {
        this.source = source;
        FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        try
        {
            long length = stream.Length;
            if (length < WeightsHeader.LengthBytes)
            {
                throw WeightsHeaderFields.Truncated(source, length, WeightsHeader.LengthBytes);
            }

            file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: false);
            section = new MappedSection(file, 0, length);
            header = WeightsHeaderFields.Read(source, new ReadOnlySpan<byte>(section.Start, WeightsHeader.LengthBytes), length);
        }
        catch
        {
            Dispose();
            stream.Dispose();
            throw;
        }
    }

    /// <summary>A file that lies in memory.</summary>
    internal WeightsFile(string source, UnmanagedMemoryStream resource)
    {
        this.source = source;
        this.resource = resource;
        if (resource.Length < WeightsHeader.LengthBytes)
        {
            throw WeightsHeaderFields.Truncated(source, resource.Length, WeightsHeader.LengthBytes);
        }

        header = WeightsHeaderFields.Read(source, new ReadOnlySpan<byte>(Start, WeightsHeader.LengthBytes), resource.Length);
    }

    /// <summary>The data section. 64-byte aligned in a file; anywhere in a resource.</summary>
    public byte* Data => Start + WeightsHeader.LengthBytes;

    /// <summary>True when there is a packed tokenizer.</summary>
    public bool HasTokenizer => header.TokenizerLength > 0;

    private byte* Start => section is not null ? section.Start : resource!.PositionPointer;

    /// <summary>
    /// Opens the packed tokenizer. A file's is mapped on its own, so that the tokenizer can be used when the weights are gone.
    /// </summary>
    public Tokenizer OpenTokenizer()
    {
        if (file is null)
        {
            return new Tokenizer(Start + header.TokenizerOffset, header.TokenizerLength, resource);
        }

        MappedSection own = new(file, header.TokenizerOffset, header.TokenizerLength);
        return new Tokenizer(own.Start, header.TokenizerLength, own);
    }

    /// <summary>
    /// Opens the weights of a model: the file that <paramref name="options"/> name, else the embedded resource if the model has one,
    /// else the file of that name beside the program.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file, or no such resource.</exception>
    /// <exception cref="IOException">There is something else, such as a pipe.</exception>
    /// <exception cref="WeightsFileException">They are not this model's.</exception>
    public static WeightsFile Open(ExpectedWeights expected, LoadOptions options, Assembly assembly)
    {
        WeightsFile weights = options.WeightsMemory is { } memory ? new WeightsFile("memory", memory)
            : options.WeightsPath is null && expected.EmbeddedResource is { } name ? OpenResource(assembly, name)
            : OpenFile(expected, options.WeightsPath ?? Path.Combine(AppContext.BaseDirectory, expected.File));
        try
        {
            weights.header.RequireFor(weights.source, expected);
            if (options.VerifyHash)
            {
                weights.VerifyContent();
            }

            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Reads everything and compares its SHA-256 with the header's.</summary>
    /// <exception cref="WeightsFileException">It differs.</exception>
    public void VerifyContent()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Append(hash, Data, header.DataLength);
        Append(hash, Start + header.TokenizerOffset, header.TokenizerLength);
        string found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (found != header.ContentHash)
        {
            throw new WeightsFileException(source, "the content is damaged", $"SHA-256 {found}", header.ContentHash, "Copy the file again, or build the project again.");
        }
    }

    /// <summary>
    /// Tells models of one layout apart without reading all of them: a checksum of 64 pieces of 4 KB, evenly over the data. Whoever trained the one
    /// further changed numbers everywhere.
    /// </summary>
    public string Sample()
    {
        const int pieces = 64, pieceBytes = 4096;
        byte[] sample = new byte[Math.Min(pieces * pieceBytes, header.DataLength)];
        for (long i = 0; i < sample.Length; i += pieceBytes)
        {
            int length = (int)Math.Min(pieceBytes, sample.Length - i);
            long at = (header.DataLength - sample.Length) / pieces * (i / pieceBytes) + i;
            new ReadOnlySpan<byte>(Data + at, length).CopyTo(sample.AsSpan((int)i));
        }

        return Checksum.Of(sample);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        section?.Dispose();
        file?.Dispose();
    }

    private static WeightsFile OpenFile(ExpectedWeights expected, string path)
    {
        path = Path.GetFullPath(path);
        if (File.Exists(path))
        {
            FilePlace.RequireReadable(path);
            return new WeightsFile($"'{path}'", path);
        }

        throw new FileNotFoundException($"The packed weights of model '{expected.Name}' are not at '{path}'. Building the project puts {expected.File} beside the program; or name the file in {nameof(LoadOptions)}.{nameof(LoadOptions.WeightsPath)}.", path);
    }

    private static WeightsFile OpenResource(Assembly assembly, string name)
    {
        Stream? stream = assembly.GetManifestResourceStream(name);
        if (stream is UnmanagedMemoryStream memory)
        {
            return new WeightsFile($"resource '{name}'", memory);
        }

        stream?.Dispose();
        throw new FileNotFoundException(stream is null
            ? $"Assembly {assembly.GetName().Name} has no resource '{name}' with the packed weights. Build the project again, or name a file in {nameof(LoadOptions)}.{nameof(LoadOptions.WeightsPath)}."
            : $"Resource '{name}' does not lie in memory.", name);
    }

    private static void Append(IncrementalHash hash, byte* bytes, long length)
    {
        const int Piece = 1 << 24;
        for (long at = 0; at < length; at += Piece)
        {
            hash.AppendData(new ReadOnlySpan<byte>(bytes + at, (int)Math.Min(Piece, length - at)));
        }
    }
}
