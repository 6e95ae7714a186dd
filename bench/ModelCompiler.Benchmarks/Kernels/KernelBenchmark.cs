using BenchmarkDotNet.Attributes;
using ModelCompiler.Benchmarks.Peaks;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Benchmarks.Kernels;

/// <summary>What benchmarks of kernels share: a model reduced to one of them, a session at a position, and a step of so many rows.</summary>
[Config(typeof(PeakConfig))]
public abstract class KernelBenchmark
{
    private protected KernelModel Kernel { get; private set; } = null!;

    private const int RowsBeforeRewind = 64;

    private Session session = null!;
    private int[] tokens = [];
    private int depth;

    /// <summary>Every weights format that there is.</summary>
    public static IEnumerable<string> Formats => WeightFormat.All.Select(format => format.Name);

    /// <summary>Every format of keys and values that there is.</summary>
    public static IEnumerable<string> Caches => CacheFormat.All.Select(format => format.Name);

    /// <summary>The step that is measured. Single rows go on for a while, because giving a page of the cache back costs more than some kernels.</summary>
    protected void Step()
    {
        session.Forward(tokens, LogitsFor.None);
        if (session.Position >= depth + RowsBeforeRewind)
        {
            session.Rewind(depth);
        }
    }

    private protected void Prepare(string shape, PlanOptions formats, int rows, int behind, Func<IReadOnlyList<Stage>, IEnumerable<Stage>> choose)
    {
        Kernel = KernelModel.Open(shape, formats, choose);
        session = Kernel.Model.CreateSession();
        tokens = new int[rows];
        depth = behind;
        if (behind > 0)
        {
            session.Forward(new int[behind], LogitsFor.None);
        }
    }

    /// <summary>Keys and values of the session, all layers.</summary>
    private protected long CacheBytes => session.CacheBytes;

    /// <summary>Frees the model, and measures the machine's peaks while it is in the same mood.</summary>
    private protected void Finish(double work, string unit, bool fitsCache)
    {
        session.Dispose();
        PeakFacts.Measure(Kernel.Model.Threads, work, unit, fitsCache).Save(this);
        Kernel.Dispose();
    }
}
