using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ModelCompiler.Tool.Measurement;

/// <summary>What the machine can do at most: the measure that a model's speed is held against.</summary>
/// <param name="FlopsPerSecond">float32 multiply and add, counted as two, on all threads together.</param>
/// <param name="ReadBytesPerSecond">Bytes read from memory, each thread front to back through its own block.</param>
/// <param name="CacheReadBytesPerSecond">The same from the last-level cache; 0 where its size is not known.</param>
internal sealed record MachinePeaks(double FlopsPerSecond, double ReadBytesPerSecond, double CacheReadBytesPerSecond)
{
    private const int Attempts = 20;
    private const long FmaIterations = 1_000_000;
    private const int BlockBytes = 128 << 20;
    private const int BlockMultiple = 1 << 10;

    /// <summary>Measures all on that many threads; the best of several attempts. Takes about a second.</summary>
    public static MachinePeaks Measure(int threads, CancellationToken cancellation)
    {
        // Half of the cache: what else runs needs some of it.
        int cached = (int)Math.Min(ProcessorCache.LastLevelBytes / 2 / threads, BlockBytes) / BlockMultiple * BlockMultiple;
        return new(
            Best(threads, static _ => FmaKernels.Run(FmaIterations), cancellation),
            BestRead(threads, BlockBytes, cancellation),
            cached == 0 ? 0 : BestRead(threads, cached, cancellation));
    }

    /// <summary>Reads as many bytes whatever the size of a block: a small one again and again.</summary>
    private static double BestRead(int threads, int blockBytes, CancellationToken cancellation)
    {
        // Together larger than any cache, or within it; and written before they are timed: untouched pages all read as one page of zeros.
        List<nint> blocks = [];
        try
        {
            for (int i = 0; i < threads; i++)
            {
                blocks.Add(Allocate(blockBytes));
            }

            return Best(threads, i => Enumerable.Repeat(blocks[i], BlockBytes / blockBytes).Sum(block => Read(block, blockBytes)), cancellation);
        }
        finally
        {
            blocks.ForEach(Free);
        }
    }

    /// <summary>Work done by all threads ÷ time from the first one's start to the last one's end, at best.</summary>
    private static double Best(int threads, Func<int, double> work, CancellationToken cancellation)
    {
        double best = 0;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
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
            best = Math.Max(best, done.Sum() / Stopwatch.GetElapsedTime(begun.Min(), ended.Max()).TotalSeconds);
        }

        return best;
    }

    /// <summary>Adds up the block as one stream, four registers at a time. Returns the bytes read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe double Read(nint block, int blockBytes)
    {
        float* at = (float*)block;
        float* end = at + (blockBytes / sizeof(float));
        float sum;
        if (Vector512.IsHardwareAccelerated)
        {
            Vector512<float> s0 = default, s1 = default, s2 = default, s3 = default;
            for (; at < end; at += 64)
            {
                s0 += Vector512.Load(at);
                s1 += Vector512.Load(at + 16);
                s2 += Vector512.Load(at + 32);
                s3 += Vector512.Load(at + 48);
            }

            sum = Vector512.Sum(s0 + s1 + s2 + s3);
        }
        else
        {
            Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
            for (; at < end; at += 32)
            {
                s0 += Vector256.Load(at);
                s1 += Vector256.Load(at + 8);
                s2 += Vector256.Load(at + 16);
                s3 += Vector256.Load(at + 24);
            }

            sum = Vector256.Sum(s0 + s1 + s2 + s3);
        }

        GC.KeepAlive(sum);
        return blockBytes;
    }

    private static unsafe nint Allocate(int blockBytes)
    {
        void* block = NativeMemory.AlignedAlloc((nuint)blockBytes, 64);
        new Span<float>(block, blockBytes / sizeof(float)).Fill(1f);
        return (nint)block;
    }

    private static unsafe void Free(nint block) => NativeMemory.AlignedFree((void*)block);
}
