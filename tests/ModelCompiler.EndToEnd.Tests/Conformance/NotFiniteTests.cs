using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Runtime;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>A number that left the range of float32 reaches the logits, where sampling names it, also through products of integers.</summary>
public sealed class NotFiniteTests : IDisposable
{
    private readonly TemporaryFolder temporary = new();

    [Theory]
    [InlineData("f32")]
    [InlineData("q8")]
    [InlineData("q4")]
    public void An_activation_that_is_no_number_is_not_rounded_to_one(string format)
    {
        string folder = temporary.File(format);
        SyntheticModel.Write(folder, ConformanceConfigs.All["llama-untied"], new(TensorType.F32));
        Fill(Path.Combine(folder, "model.safetensors"), "model.layers.0.input_layernorm.weight", 1e30f); // scores become infinite, their weights NaN
        EmittedModel emitted = new(folder, "not-finite", format, temporary.Path);
        foreach (InstructionSet instructionSet in Engines.Supported)
        {
            foreach (int? chunk in (int?[])[null, 1])
            {
                float[] logits = emitted.Logits(emitted.Tokens(4), instructionSet, promptChunk: chunk);
                Assert.All(logits[^emitted.Vocab..], logit => Assert.True(float.IsNaN(logit), $"{instructionSet}, pieces of {chunk?.ToString() ?? "all"}: {logit}"));
            }
        }
    }

    public void Dispose() => temporary.Dispose();

    private static void Fill(string path, string tensor, float value)
    {
        byte[] file = File.ReadAllBytes(path);
        int headerBytes = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, headerBytes));
        JsonElement offsets = header.RootElement.GetProperty(tensor).GetProperty("data_offsets");
        Range range = (8 + headerBytes + offsets[0].GetInt32())..(8 + headerBytes + offsets[1].GetInt32());
        MemoryMarshal.Cast<byte, float>(file.AsSpan(range)).Fill(value);
        File.WriteAllBytes(path, file);
    }
}
