using BenchmarkDotNet.Attributes;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Benchmarks;

/// <summary>
/// Whole models with random weights of a known shape: a prompt of 128 tokens, and one decoded token behind it. For tokens per second against the
/// machine's measured peaks use <c>modelc bench</c>.
/// </summary>
public class ModelBenchmarks
{
    private const int PromptLength = 128;

    private CompiledModel model = null!;
    private Session session = null!;
    private int[] prompt = [];

    /// <summary>A shape that <c>modelc synth --like</c> knows.</summary>
    [Params("stories15m", "gpt2-124m")]
    public string Shape { get; set; } = "";

    /// <summary>Format of the packed weights.</summary>
    [Params("f32", "bf16")]
    public string Weights { get; set; } = "";

    /// <summary>Threads of a step.</summary>
    [Params(1, 2)]
    public int Threads { get; set; }

    /// <summary>Synthesises the model once for each shape, then compiles it as <c>modelc run</c> does.</summary>
    [GlobalSetup]
    public void Load()
    {
        model = new ModelHost(BenchmarkModels.Folder(Shape), new(Weights), (_, _) => new Progress<long>(), CancellationToken.None).Load(new LoadOptions { Threads = Threads }).Model;
        session = model.CreateSession();
        prompt = [.. Enumerable.Range(0, PromptLength).Select(i => i * 7919 % model.Description.Vocab)];
        session.Forward(prompt, LogitsFor.None);
    }

    /// <summary>Frees the model.</summary>
    [GlobalCleanup]
    public void Unload()
    {
        session.Dispose();
        model.Dispose();
    }

    /// <summary>A prompt of 128 tokens in an empty context.</summary>
    [Benchmark(OperationsPerInvoke = PromptLength)]
    public float Prompt()
    {
        session.Rewind(0);
        return session.Forward(prompt).Last[0];
    }

    /// <summary>The token at position 127.</summary>
    [Benchmark]
    public float Decode()
    {
        session.Rewind(PromptLength - 1);
        return session.Forward(prompt.AsSpan(PromptLength - 1)).Last[0];
    }
}
