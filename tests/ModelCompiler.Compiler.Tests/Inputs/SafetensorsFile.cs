using System.Buffers.Binary;
using System.Text;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Tests.Inputs;

/// <summary>Reads the header of a safetensors file on disk.</summary>
internal static class SafetensorsFile
{
    public static EquatableArray<TensorInfo> Read(string path, ICollection<ModelDiagnostic> diagnostics)
    {
        using FileStream file = File.OpenRead(path);
        byte[] prefix = new byte[SafetensorsHeader.PrefixBytes];
        file.ReadExactly(prefix);
        long length = BinaryPrimitives.ReadInt64LittleEndian(prefix);
        if (!SafetensorsHeader.CheckLength(Path.GetFileName(path), length, file.Length, diagnostics))
        {
            return default;
        }

        byte[] header = new byte[length];
        file.ReadExactly(header);
        return SafetensorsHeader.Read(Path.GetFileName(path), Encoding.UTF8.GetString(header), length, file.Length, diagnostics);
    }
}
