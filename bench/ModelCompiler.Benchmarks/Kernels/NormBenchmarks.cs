using BenchmarkDotNet.Attributes;
using ModelCompiler.Benchmarks.Peaks;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Benchmarks.Kernels;

/// <summary>
/// The norms of a layer, in all layers but the last: bytes of the rows read and written. (Activations have no kernel of their own: they are part of the
/// first feed-forward product.)
/// </summary>
public class NormBenchmarks : KernelBenchmark
{
    /// <summary>A shape that <c>modelc synth --like</c> knows: layer norm, and RMS norm.</summary>
    [Params("gpt2-124m", "qwen3-0.6b")]
    public string Shape { get; set; } = "";

    /// <summary>Rows of a step. A single one is computed by every worker for itself.</summary>
    [Params(512, 1)]
    public int Rows { get; set; }

    /// <summary>Compiles.</summary>
    [GlobalSetup]
    public void Setup() => Prepare(Shape, new("bf16"), Rows, behind: 0, layer => layer.Where(stage => stage.Kernel is NormKernel));

    /// <summary>All layers' norms.</summary>
    [Benchmark]
    public void Run() => Step();

    /// <summary>Frees the model and notes the peaks.</summary>
    [GlobalCleanup]
    public void Cleanup()
        => Finish(Kernel.Stages.Select(stage => stage.Kernel).OfType<NormKernel>().Sum(norm => 2.0 * sizeof(float) * norm.Width * Rows), PeakFacts.Bytes, fitsCache: true);
}
