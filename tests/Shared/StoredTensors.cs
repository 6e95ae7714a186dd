using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Tests;

/// <summary>A safetensors file that is not a model's: results stored beside one.</summary>
internal sealed class StoredTensors
{
    private readonly byte[] bytes;
    private readonly EquatableArray<TensorInfo> tensors;

    public StoredTensors(string path)
    {
        bytes = File.ReadAllBytes(path);
        int headerLength = (int)BitConverter.ToInt64(bytes);
        List<ModelDiagnostic> diagnostics = [];
        string header = System.Text.Encoding.UTF8.GetString(bytes, SafetensorsHeader.PrefixBytes, headerLength);
        tensors = SafetensorsHeader.Read(path, header, headerLength, bytes.Length, diagnostics);
        Assert.Empty(diagnostics);
    }

    public IReadOnlyList<int> Shape(string name) => Find(name).Shape;

    public float[] this[string name]
    {
        get
        {
            TensorInfo tensor = Find(name);
            float[] values = new float[tensor.LengthBytes / TensorElements.SizeBytes(tensor.Type)];
            TensorElements.Decode(tensor.Type, bytes.AsSpan((int)tensor.OffsetBytes, (int)tensor.LengthBytes), values);
            return values;
        }
    }

    private TensorInfo Find(string name) => tensors.Single(tensor => tensor.Name == name);
}
