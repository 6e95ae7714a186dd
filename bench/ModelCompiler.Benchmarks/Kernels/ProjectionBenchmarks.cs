using BenchmarkDotNet.Attributes;
using ModelCompiler.Benchmarks.Peaks;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.Benchmarks.Kernels;

/// <summary>One of the four products of a layer, with its epilogue, in all layers but the last: a prompt in GFLOP/s, a single row in GB/s of weights.</summary>
public class ProjectionBenchmarks : KernelBenchmark
{
    private static readonly string[] Names = ["qkv", "attention out", "feed-forward in", "feed-forward out"];

    /// <summary>A shape that <c>modelc synth --like</c> knows.</summary>
    [Params("gpt2-124m", "qwen3-0.6b")]
    public string Shape { get; set; } = "";

    /// <summary>Format of the packed weights.</summary>
    [ParamsSource(nameof(Formats))]
    public string Weights { get; set; } = "";

    /// <summary>Which of the products of a layer, in their order.</summary>
    [Params("qkv", "attention out", "feed-forward in", "feed-forward out")]
    public string Product { get; set; } = "";

    /// <summary>Rows of a step.</summary>
    [Params(512, 1)]
    public int Rows { get; set; }

    /// <summary>Compiles.</summary>
    [GlobalSetup]
    public void Setup() => Prepare(Shape, new(Weights), Rows, behind: 0, layer => [.. layer.Where(stage => stage.Kernel is LinearKernel).Skip(Array.IndexOf(Names, Product)).Take(1)]);

    /// <summary>All layers' products.</summary>
    [Benchmark]
    public void Run() => Step();

    /// <summary>Frees the model and notes the peaks.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        HashSet<long> offsets = [.. Kernel.Stages.SelectMany(stage => stage.Weights).Select(weight => weight.OffsetBytes)];
        PackedMatrix[] matrices = [.. Kernel.Plan.Weights.Matrices.Where(matrix => offsets.Contains(matrix.OffsetBytes))];
        double bytes = matrices.Sum(matrix => matrix.LengthBytes);
        double flops = 2.0 * Rows * matrices.Sum(matrix => (double)matrix.Parts.Count * matrix.PaddedOutputs * matrix.PaddedInputs);
        bool fitsCache = bytes <= ProcessorCache.LastLevelBytes;
        Finish(Rows == 1 ? bytes : flops, Rows == 1 ? PeakFacts.Bytes : PeakFacts.Flops, fitsCache);
    }
}
