using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace ModelCompiler.Benchmarks.Peaks;

/// <summary>
/// A short job, so that many cases end in minutes, and the columns of the peak. In this process: emitted kernels are compiled in full at once, so that
/// nothing is won by a fresh one, which would be built for a minute first.
/// </summary>
internal sealed class PeakConfig : ManualConfig
{
    public PeakConfig()
    {
        AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(2).WithIterationCount(7));
        AddColumn(PeakColumn.Rate, PeakColumn.Peak, PeakColumn.Share);
    }
}
