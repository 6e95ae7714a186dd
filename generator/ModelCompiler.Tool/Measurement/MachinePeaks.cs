using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace ModelCompiler.Tool.Measurement;

/// <summary>What the machine can do at most: the measure that a model's speed is held against.</summary>
/// <param name="FlopsPerSecond">float32 multiply and add, counted as two, on all threads together.</param>
/// <param name="ReadBytesPerSecond">Bytes read from memory, each thread front to back through its own block.</param>
internal sealed record MachinePeaks(double FlopsPerSecond, double ReadBytesPerSecond)
{
    private const int Attempts = 5;
    private const long FmaIterations = 3_000_000;
    private const int BlockBytes = 128 << 20;

    /// <summary>Measures both on that many threads; the best of several attempts. Takes about a second.</summary>
    public static MachinePeaks Measure(int threads, CancellationToken cancellation) => new(
        Best(threads, static _ => FmaKernels.Run(FmaIterations), cancellation),
        BestRead(threads, cancellation));

    private static double BestRead(int threads, CancellationToken cancellation)
    {
        // Together larger than any cache, and written before they are timed: untouched pages all read as one page of zeros.
        List<nint> blocks = [];
        try
        {
            for (int i = 0; i < threads; i++)
            {
                blocks.Add(Allocate());
            }

            return Best(threads, i => Read(blocks[i]), cancellation);
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
    private static unsafe double Read(nint block)
    {
        float* at = (float*)block;
        float* end = at + (BlockBytes / sizeof(float));
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
        return BlockBytes;
    }

    private static unsafe nint Allocate()
    {
        void* block = NativeMemory.AlignedAlloc(BlockBytes, 64);
        new Span<float>(block, BlockBytes / sizeof(float)).Fill(1f);
        return (nint)block;
    }

    private static unsafe void Free(nint block) => NativeMemory.AlignedFree((void*)block);
}
