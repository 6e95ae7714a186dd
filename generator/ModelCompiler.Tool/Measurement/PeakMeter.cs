using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.Tool.Measurement;

/// <summary>
/// Measures the machine's peaks, a sample at a time. Memory of a shared machine was seen to fall from 52 to 30 GB/s within a minute, so samples are
/// taken between the repeats of what is held against them. Of reads the median sample is told, as the median repeat is of what is held against it, and a sample is the mean of
/// its time, as a repeat is: reads of 5 ms, right after one another, were seen to reach 36 to 49 GB/s, so that the best of four was 10 % above their mean.
/// Takes 128 MiB for each thread.
/// </summary>
internal sealed class PeakMeter : IDisposable
{
    private const int Attempts = 4;
    private const long FmaIterations = 1_000_000;
    private const int BlockBytes = 128 << 20;
    private const int LineBytes = 64;
    private const int PieceBytes = 1 << 20;

    private static readonly TimeSpan ReadTime = TimeSpan.FromMilliseconds(100);

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

    /// <summary>Of multiply-adds the best of some attempts, of reads the mean over some time: takes some 250 ms.</summary>
    public void Sample(CancellationToken cancellation)
    {
        double flops = 0;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
            flops = Math.Max(flops, Rate(static _ => FmaKernels.Run(FmaIterations)));
        }

        samples.Add(new(flops, ReadRate(BlockBytes, cached: false), cachedBytes == 0 ? 0 : ReadRate(cachedBytes, cached: true)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        blocks.ForEach(Free);
        blocks.Clear();
    }

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

    /// <summary>
    /// All threads read blocks of so many bytes, again and again, in the same stretch of time, so that none reads alone while the others have yet to begin or have ended;
    /// <paramref name="cached"/>: once before it, too.
    /// </summary>
    private double ReadRate(int blockBytes, bool cached)
    {
        long start = 0, end = 0;
        using Barrier warm = new(threads, _ =>
        {
            start = Stopwatch.GetTimestamp();
            end = start + (long)(ReadTime.TotalSeconds * Stopwatch.Frequency);
        });
        double bytes = 0;
        long last = 0;
        _ = Rate(thread =>
        {
            nint block = blocks[thread];
            _ = Read(block, cached ? blockBytes : PieceBytes);
            warm.SignalAndWait();
            double own = 0;
            int at = 0;
            long now = start;
            for (; now < end; at = at + PieceBytes < blockBytes ? at + PieceBytes : 0, now = Stopwatch.GetTimestamp())
            {
                own += Read(block + at, Math.Min(PieceBytes, blockBytes - at));
            }

            lock (warm)
            {
                bytes += own;
                last = Math.Max(last, now);
            }

            return own;
        });
        return bytes / Stopwatch.GetElapsedTime(start, last).TotalSeconds;
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
        void* block = NativeMemory.AlignedAlloc(BlockBytes, HugePages.Bytes);
        HugePages.Ask(block, BlockBytes);
        new Span<byte>(block, BlockBytes).Fill(1);
        return (nint)block;
    }

    private static unsafe void Free(nint block) => NativeMemory.AlignedFree((void*)block);
}
