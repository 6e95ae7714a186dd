using BenchmarkDotNet.Attributes;
using ModelCompiler.Benchmarks.Peaks;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.Benchmarks.Kernels;

/// <summary>Attention with its rotation and norms, in all layers but the last: a prompt in GFLOP/s of scores and sums, a single row in GB/s of keys and values.</summary>
public class AttentionBenchmarks : KernelBenchmark
{
    /// <summary>A shape that <c>modelc synth --like</c> knows.</summary>
    [Params("gpt2-124m", "qwen3-0.6b")]
    public string Shape { get; set; } = "";

    /// <summary>Format of keys and values.</summary>
    [ParamsSource(nameof(Caches))]
    public string Cache { get; set; } = "";

    /// <summary>Rows of a step.</summary>
    [Params(512, 1)]
    public int Rows { get; set; }

    /// <summary>Positions before it.</summary>
    [Params(0, 512, 4096)]
    public int Behind { get; set; }

    /// <summary>Compiles, and reads what lies behind: keys and values of zeros, which take the same time as others.</summary>
    [GlobalSetup]
    public void Setup()
    {
        if (Shape == "gpt2-124m" && Behind + Math.Max(Rows, 64) > 1024)
        {
            throw new NotSupportedException("The context of GPT-2 holds 1,024 positions.");
        }

        Prepare(Shape, new("bf16", Cache), Rows, Behind, layer => layer.Where(stage => stage.Kernel is AttentionKernel));
    }

    /// <summary>All layers' attention.</summary>
    [Benchmark]
    public void Run() => Step();

    /// <summary>Frees the model and notes the peaks.</summary>
    [GlobalCleanup]
    public void Cleanup()
    {
        double positions = Rows * (Behind + ((Rows + 1) / 2.0));
        double flops = Kernel.Stages.Select(stage => stage.Kernel).OfType<AttentionKernel>().Sum(attention => 4.0 * attention.Heads * attention.HeadDim * positions);
        double bytes = (double)CacheBytes * Kernel.Stages.Count / Kernel.Plan.Graph.Dimensions.Layers;
        Finish(Rows == 1 ? bytes : flops, Rows == 1 ? PeakFacts.Bytes : PeakFacts.Flops, bytes <= ProcessorCache.LastLevelBytes);
    }
}
