using System.Collections.Concurrent;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Onnx;
using ModelCompiler.Onnx.Export;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Tool.Inputs;

[assembly: AssemblyFixture(typeof(ModelCompiler.EndToEnd.Tests.Onnx.ExportedModels))]

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>The models of the theory as ONNX files, each made when a test first asks for it.</summary>
public sealed class ExportedModels : IDisposable
{
    private readonly TemporaryFolder temporary = new();
    private readonly ConcurrentDictionary<string, Lazy<OnnxFiles>> files = [];

    public ExportedModels() => OnnxLog.Collect();

    /// <inheritdoc/>
    public void Dispose() => temporary.Dispose();

    /// <summary>The file of a model.</summary>
    internal OnnxFiles Get(EmittedModel model, OnnxExportOptions? options = null)
        => files.GetOrAdd($"{model.Identifier}_{options}", _ => new(() => Write(model, options, Path.Combine(temporary.Path, $"{model.Identifier}.{files.Count}.onnx")))).Value;

    /// <summary>Logits [tokens × vocab] of ONNX Runtime on the CPU, which reads the tokens in pieces.</summary>
    internal float[] Logits(EmittedModel model, ReadOnlySpan<int> tokens, OnnxExportOptions? options = null, int piece = int.MaxValue)
    {
        using OnnxModel opened = OnnxModel.Open(new OnnxOffload(Get(model, options).ModelPath)
        {
            Threads = 1,
            ShowWarnings = true,
            SessionEntries = new Dictionary<string, string> { [OnnxOffload.AccuracyOfBlockProducts] = "1" },
        });
        using IOffloadedSequence sequence = opened.Begin();
        float[] logits = new float[tokens.Length * model.Vocab];
        for (int read = 0; read < tokens.Length;)
        {
            int count = Math.Min(piece, tokens.Length - read);
            sequence.Read(tokens[..(read + count)], logits.AsSpan(read * model.Vocab, count * model.Vocab), model.Vocab, CancellationToken.None);
            read += count;
        }

        return logits;
    }

    private static OnnxFiles Write(EmittedModel model, OnnxExportOptions? options, string path)
    {
        using ModelFolder published = ModelFolder.Open(model.Folder);
        return OnnxExporter.Write(model.Plan, new PublishedParameters(published), path, options);
    }
}
