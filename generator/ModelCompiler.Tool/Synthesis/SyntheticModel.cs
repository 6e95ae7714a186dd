using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Weights.Safetensors;

namespace ModelCompiler.Tool.Synthesis;

/// <summary>How a synthetic model is written.</summary>
/// <param name="Type">Element type of all its tensors.</param>
/// <param name="Seed">The same seed gives the same bytes on every machine.</param>
/// <param name="Shards">1: model.safetensors; more: that many numbered files and their index.</param>
public sealed record SyntheticModelOptions(TensorType Type = TensorType.F32, ulong Seed = 1, int Shards = 1);

/// <summary>
/// Writes a model folder as published ones are (config.json, safetensors) with random weights: for tests, and for measuring
/// speed at the size of a model without having it.
/// </summary>
public static class SyntheticModel
{
    private const string IndexFile = "model.safetensors.index.json";
    private const int ChunkElements = 1 << 20;
    private const int RunElements = 1 << 16;

    /// <summary>Writes config.json and the weights that it asks for into <paramref name="folder"/>, which is made when absent. Gives the names of the files.</summary>
    public static IReadOnlyList<string> Write(
        string folder, string configText, SyntheticModelOptions options, IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Shards, 1);
        IReadOnlyList<SyntheticTensor> tensors = SyntheticTensors.Of(configText, cancellation);
        using MadeFolder made = new(folder);
        long written = 0;
        Dictionary<string, string> fileOf = [];
        IReadOnlyList<IReadOnlyList<SyntheticTensor>> shards = Split(tensors, options);
        for (int i = 0; i < shards.Count; i++)
        {
            string file = shards.Count == 1 ? "model.safetensors" : $"model-{i + 1:D5}-of-{shards.Count:D5}.safetensors";
            foreach (SyntheticTensor tensor in shards[i])
            {
                fileOf.Add(tensor.Name, file);
            }

            written = WriteFile(Path.Combine(folder, file), shards[i], options, written, progress, cancellation);
        }

        List<string> files = ["config.json", .. fileOf.Values.Distinct()];
        if (shards.Count > 1)
        {
            WholeFile.Write(Path.Combine(folder, IndexFile), Index(fileOf, written));
            files.Add(IndexFile);
        }

        WholeFile.Write(Path.Combine(folder, "config.json"), configText);
        return files;
    }

    private static TensorDeclaration Declare(SyntheticTensor tensor, TensorType type) => new(tensor.Name, type.ToString(), tensor.Shape);

    private static long WriteFile(
        string path, IReadOnlyList<SyntheticTensor> tensors, SyntheticModelOptions options, long written,
        IProgress<long>? progress, CancellationToken cancellation)
    {
        TensorDeclaration[] declarations = [.. tensors.Select(tensor => Declare(tensor, options.Type))];
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkElements * 4);
        using SafetensorsWriter writer = new(path, declarations);
        for (int i = 0; i < tensors.Count; i++)
        {
            SeededNoise noise = new(options.Seed, tensors[i].Name);
            for (long first = 0; first < declarations[i].Elements; first += ChunkElements)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = (int)Math.Min(ChunkElements, declarations[i].Elements - first);
                int bytes = count * TensorElements.SizeBytes(options.Type);
                Fill(tensors[i], noise, options.Type, first, count, buffer);
                writer.Write(buffer.AsSpan(0, bytes));
                written += bytes;
                progress?.Report(written);
            }
        }

        writer.Commit();
        ArrayPool<byte>.Shared.Return(buffer);
        return written;
    }

    private static void Fill(SyntheticTensor tensor, SeededNoise noise, TensorType type, long first, int count, byte[] buffer)
        => Parallel.For(0, (count + RunElements - 1) / RunElements, run =>
        {
            int begin = run * RunElements;
            int end = Math.Min(count, begin + RunElements);
            Span<float> floats = MemoryMarshal.Cast<byte, float>(buffer.AsSpan());
            Span<ushort> halves = MemoryMarshal.Cast<byte, ushort>(buffer.AsSpan());
            for (int i = begin; i < end; i++)
            {
                float value = tensor.Centre + (tensor.Deviation * noise.Normal(first + i));
                switch (type)
                {
                    case TensorType.F32:
                        floats[i] = value;
                        break;
                    case TensorType.F16:
                        halves[i] = HalfFloats.ToF16(value);
                        break;
                    default:
                        halves[i] = HalfFloats.ToBF16(value);
                        break;
                }
            }
        });

    /// <summary>Cuts the tensors, in order, into runs of about the same number of bytes.</summary>
    private static List<IReadOnlyList<SyntheticTensor>> Split(IReadOnlyList<SyntheticTensor> tensors, SyntheticModelOptions options)
    {
        long total = tensors.Sum(tensor => Declare(tensor, options.Type).LengthBytes);
        List<IReadOnlyList<SyntheticTensor>> shards = [];
        List<SyntheticTensor> shard = [];
        long bytes = 0;
        foreach (SyntheticTensor tensor in tensors)
        {
            shard.Add(tensor);
            bytes += Declare(tensor, options.Type).LengthBytes;
            if (bytes * options.Shards >= total * (shards.Count + 1))
            {
                shards.Add(shard);
                shard = [];
            }
        }

        return shards;
    }

    private static string Index(Dictionary<string, string> fileOf, long totalBytes) => JsonSerializer.Serialize(new Dictionary<string, object>
    {
        ["metadata"] = new Dictionary<string, long> { ["total_size"] = totalBytes },
        ["weight_map"] = fileOf,
    });
}
