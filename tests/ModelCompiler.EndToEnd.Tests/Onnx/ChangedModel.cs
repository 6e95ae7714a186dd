using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Inputs;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>Models with a fault, or with numbers that nobody trains.</summary>
internal static class ChangedModel
{
    /// <summary>Writes a copy of a model in which the numbers of some tensors, each named by how it ends, are changed: <paramref name="change"/> receives a number and its index. Returns the copy.</summary>
    public static string Write(string source, string folder, Func<float, int, float> change, params string[] tensors)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(source))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        TensorInfo[] found;
        using (ModelFolder opened = ModelFolder.Open(source))
        {
            found = [.. tensors.Select(tensor => opened.Inputs.Tensors.Single(candidate => candidate.Name.EndsWith(tensor, StringComparison.Ordinal)))];
        }

        foreach (TensorInfo info in found)
        {
            string weights = Path.Combine(folder, info.File);
            byte[] bytes = File.ReadAllBytes(weights);
            Span<float> numbers = MemoryMarshal.Cast<byte, float>(bytes.AsSpan((int)info.OffsetBytes, (int)info.LengthBytes));
            for (int i = 0; i < numbers.Length; i++)
            {
                numbers[i] = change(numbers[i], i);
            }

            File.WriteAllBytes(weights, bytes);
        }

        return folder;
    }
}
