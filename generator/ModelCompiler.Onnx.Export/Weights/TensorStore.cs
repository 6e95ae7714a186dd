using System.Globalization;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Onnx;

namespace ModelCompiler.Onnx.Export.Weights;

/// <summary>
/// Where tensors go: into the graph, or, with a <paramref name="data"/> stream, behind one another into a file beside it, at multiples of 4096
/// bytes, so that a runtime can map them. One tensor at a time is in memory.
/// </summary>
/// <param name="graph">Receives an initializer for each.</param>
/// <param name="data">The file beside the graph, or null.</param>
/// <param name="location">Its name, relative to the graph's file.</param>
internal sealed unsafe class TensorStore(GraphProto graph, Stream? data, string location)
{
    private const int AlignmentBytes = 4096;
    private const int ExternalFromBytes = 1024;
    private const int WriteBytes = 1 << 26;

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

    private void WriteExternal(TensorProto tensor, Stream file, byte* memory, long lengthBytes)
    {
        long begin = (file.Position + AlignmentBytes - 1) / AlignmentBytes * AlignmentBytes;
        file.Write(new byte[begin - file.Position]);
        for (long done = 0; done < lengthBytes; done += WriteBytes)
        {
            file.Write(new ReadOnlySpan<byte>(memory + done, (int)Math.Min(WriteBytes, lengthBytes - done)));
        }

        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(Entry("location", location));
        tensor.ExternalData.Add(Entry("offset", begin.ToString(CultureInfo.InvariantCulture)));
        tensor.ExternalData.Add(Entry("length", lengthBytes.ToString(CultureInfo.InvariantCulture)));
    }

    private static StringStringEntryProto Entry(string key, string value) => new() { Key = key, Value = value };
}
