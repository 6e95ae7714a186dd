using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ModelCompiler.Tool.Measurement;

/// <summary>
/// Measures the machine's peaks, a sample at a time. Memory of a shared machine was seen to fall from 52 to 30 GB/s within a minute, so samples are
/// taken between the repeats of what is held against them. Of reads the median sample is told, as the median repeat is of what is held against it, and a sample is what
/// its attempts read in all their time, as a repeat is what it read in all of its: attempts of 5 ms, right after one another, were seen to reach 36 to 49 GB/s, so that
/// the best of four was 10 % more than any longer time reaches. Takes 128 MiB for each thread.
/// </summary>
internal sealed partial class PeakMeter : IDisposable
{
    private const int Attempts = 4;
    private const long FmaIterations = 1_000_000;
    private const int BlockBytes = 128 << 20;
    private const int LineBytes = 64;
    private const int HugePageBytes = 2 << 20;
    private const int MadviseHugePage = 14;

    private static long sink; // what nobody reads, the compiler need not compute

    private readonly int threads;
    private readonly int cachedBytes;
    private readonly List<nint> blocks = [];
    private readonly List<MachinePeaks> samples = [];

    /// <summary>For that many threads.</summary>
    public PeakMeter(int threads)
    {
        this.threads = threads;
        // Half of the cache: what else runs needs some of it.
        cachedBytes = (int)Math.Min(ProcessorCache.LastLevelBytes / 2 / threads, BlockBytes) / LineBytes * LineBytes;
        for (int i = 0; i < threads; i++)
        {
            blocks.Add(Allocate());
        }
    }

    /// <summary>Of multiply-adds the best of all samples, of reads the median.</summary>
    public MachinePeaks Peaks => new(
        samples.Max(sample => sample.FlopsPerSecond), Median(samples.Select(sample => sample.ReadBytesPerSecond)), Median(samples.Select(sample => sample.CacheReadBytesPerSecond)));

    /// <summary>Some attempts, of multiply-adds the best, of reads all together: takes some 50 ms.</summary>
    public void Sample(CancellationToken cancellation)
    {
        double flops = 0;
        double[] reads = new double[Attempts], cachedReads = new double[Attempts];
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
            flops = Math.Max(flops, Rate(static _ => FmaKernels.Run(FmaIterations)));
            reads[attempt] = Rate(i => Read(blocks[i], BlockBytes));
            cachedReads[attempt] = cachedBytes == 0 ? 0 : Rate(ReadCached);
        }

        samples.Add(new(flops, Together(reads), Together(cachedReads)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        blocks.ForEach(Free);
        blocks.Clear();
    }

    /// <summary>The rate of attempts that read equally much: all bytes ÷ all time.</summary>
    private static double Together(double[] rates) => rates.Length / rates.Sum(rate => 1 / rate);

    private static double Median(IEnumerable<double> rates)
    {
        double[] sorted = [.. rates.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Work done by all threads ÷ time from the first one's start to the last one's end.</summary>
    private double Rate(Func<int, double> work)
    {
        using Barrier start = new(threads);
        double[] done = new double[threads];
        long[] begun = new long[threads];
        long[] ended = new long[threads];
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(i => new Thread(() =>
        {
            start.SignalAndWait();
            begun[i] = Stopwatch.GetTimestamp();
            done[i] = work(i);
            ended[i] = Stopwatch.GetTimestamp();
        }))];
        Array.ForEach(workers, worker => worker.Start());
        Array.ForEach(workers, worker => worker.Join());
        return done.Sum() / Stopwatch.GetElapsedTime(begun.Min(), ended.Max()).TotalSeconds;
    }

    /// <summary>A small block, again and again. The first pass comes from memory: there are enough others.</summary>
    private double ReadCached(int thread)
    {
        double bytes = 0;
        for (int pass = 0; pass < BlockBytes / cachedBytes; pass++)
        {
            bytes += Read(blocks[thread], cachedBytes);
        }

        return bytes;
    }

    /// <summary>
    /// Touches every line of the block, as one stream; returns its bytes. One word of a line was measured 3 to 15 % faster than whole lines into
    /// registers (eight accumulators, prefetches, or several streams did not help): what a decode could reach if computing cost nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static unsafe double Read(nint block, int blockBytes)
    {
        byte* end = (byte*)block + blockBytes;
        long sum = 0;
        for (byte* at = (byte*)block; at < end; at += LineBytes)
        {
            sum += *(long*)at;
        }

        Volatile.Write(ref sink, sum);
        return blockBytes;
    }

    /// <summary>
    /// Written before it is timed: untouched pages all read as one page of zeros. Linux is asked for huge pages: small ones were read 10 to 20 % slower, and
    /// slower than a mapped file, whose pages may be large.
    /// </summary>
    private static unsafe nint Allocate()
    {
        void* block = NativeMemory.AlignedAlloc(BlockBytes, HugePageBytes);
        if (OperatingSystem.IsLinux())
        {
            _ = MemoryAdvise(block, BlockBytes, MadviseHugePage); // a wish: where it is refused, pages are small
        }

        new Span<byte>(block, BlockBytes).Fill(1);
        return (nint)block;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static unsafe partial int MemoryAdvise(void* start, nuint length, int advice);

    private static unsafe void Free(nint block) => NativeMemory.AlignedFree((void*)block);
}
