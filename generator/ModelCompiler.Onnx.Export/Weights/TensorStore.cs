using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Google.Protobuf;
using Onnx;

namespace ModelCompiler.Onnx.Export.Weights;

/// <summary>
/// Where tensors go: into the graph, or, with a <paramref name="data"/> stream, behind one another into a file beside it, at multiples of 4096
/// bytes, so that a runtime can map them. One tensor at a time is in memory.
/// </summary>
/// <param name="graph">Receives an initializer for each.</param>
/// <param name="data">The file beside the graph, or null.</param>
internal sealed unsafe class TensorStore(GraphProto graph, Stream? data) : IDisposable
{
    private const int AlignmentBytes = 4096;
    private const int ExternalFromBytes = 1024;
    private const int WriteBytes = 1 << 26;
    private const int HashDigits = 16;
    private const string Location = "location";

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<TensorProto> external = [];

    /// <summary>Bytes of all tensors.</summary>
    public long LengthBytes { get; private set; }

    /// <summary>Adds a tensor of so many bytes.</summary>
    public void Add(string name, TensorProto.Types.DataType type, long[] shape, long lengthBytes, Action<nint> fill)
    {
        TensorProto tensor = new() { Name = name, DataType = (int)type };
        tensor.Dims.AddRange(shape);
        void* memory = NativeMemory.AllocZeroed((nuint)Math.Max(lengthBytes, 1));
        try
        {
            fill((nint)memory);
            if (data is null || lengthBytes < ExternalFromBytes)
            {
                tensor.RawData = ByteString.CopyFrom(new ReadOnlySpan<byte>(memory, checked((int)lengthBytes)));
            }
            else
            {
                WriteExternal(tensor, data, (byte*)memory, lengthBytes);
            }
        }
        finally
        {
            NativeMemory.Free(memory);
        }

        LengthBytes += lengthBytes;
        graph.Initializer.Add(tensor);
    }

    /// <summary>
    /// Says in the graph what the file of data, which is whole now, will be called: NAME.HASH.data, HASH that of its content. So no graph ever stands beside another's weights, whenever
    /// the writing of both is stopped.
    /// </summary>
    /// <param name="name">The name of the graph's file.</param>
    public string NameData(string name)
    {
        string location = $"{name}.{Convert.ToHexStringLower(hash.GetHashAndReset())[..HashDigits]}.data";
        foreach (TensorProto tensor in external)
        {
            tensor.ExternalData.Insert(0, Entry(Location, location));
        }

        return location;
    }

    /// <summary>The file of data that the graph in a file reads; null: none, or it is no graph.</summary>
    public static string? DataOf(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return ModelProto.Parser.ParseFrom(file).Graph?.Initializer
                .Where(tensor => tensor.DataLocation == TensorProto.Types.DataLocation.External)
                .SelectMany(tensor => tensor.ExternalData).FirstOrDefault(entry => entry.Key == Location)?.Value;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or InvalidProtocolBufferException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => hash.Dispose();

    private void WriteExternal(TensorProto tensor, Stream file, byte* memory, long lengthBytes)
    {
        long begin = (file.Position + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
        Write(file, new byte[begin - file.Position]);
        for (long done = 0; done < lengthBytes; done += WriteBytes)
        {
            Write(file, new ReadOnlySpan<byte>(memory + done, (int)Math.Min(WriteBytes, lengthBytes - done)));
        }

        external.Add(tensor);
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(Entry("offset", begin.ToString(CultureInfo.InvariantCulture)));
        tensor.ExternalData.Add(Entry("length", lengthBytes.ToString(CultureInfo.InvariantCulture)));
    }

    private void Write(Stream file, ReadOnlySpan<byte> bytes)
    {
        file.Write(bytes);
        hash.AppendData(bytes);
    }

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
