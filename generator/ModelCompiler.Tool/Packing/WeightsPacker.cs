using System.Buffers;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Tool.Packing;

/// <summary>
/// Writes the data section of a packed weights file: every panel gathered from the published tensors, encoded, and laid where
/// the plan says. Panels are made in parallel and written in order while the next are made. Holds two batches of
/// a few megabytes, never the model.
/// </summary>
public static class WeightsPacker
{
    private const int BatchBytesPerThread = 2 << 20;

    /// <summary>Gives layout.LengthBytes bytes to <paramref name="write"/>, front to back.</summary>
    /// <param name="layout">What lies where.</param>
    /// <param name="source">The numbers; read from several threads.</param>
    /// <param name="write">Takes the next bytes: <c>WeightsFileWriter.Write</c>, <c>Stream.Write</c>. Called from one thread at a time.</param>
    /// <param name="progress">Receives the number of bytes written so far.</param>
    /// <param name="cancellation">Stops between panels.</param>
    /// <exception cref="ModelException">A weight that is not finite or does not fit the format; a file that changed.</exception>
    /// <exception cref="InvalidOperationException">The layout overlaps itself or leaves holes.</exception>
    public static void Pack(
        PackedWeights layout, IParameterSource source, Action<ReadOnlySpan<byte>> write,
        IProgress<long>? progress = null, CancellationToken cancellation = default)
    {
        IReadOnlyList<Batch> batches = Batches(layout);
        int capacity = batches.Count == 0 ? 0 : batches.Max(batch => batch.LengthBytes);
        byte[][] buffers = [ArrayPool<byte>.Shared.Rent(capacity), ArrayPool<byte>.Shared.Rent(capacity)];
        Task writing = Task.CompletedTask;
        try
        {
            for (int i = 0; i < batches.Count; i++)
            {
                Batch batch = batches[i];
                byte[] buffer = buffers[i % 2];
                Encode(batch, source, buffer, cancellation);
                writing.GetAwaiter().GetResult();
                writing = Task.Run(() => Write(batch, buffer, write, progress), CancellationToken.None);
            }
        }
        finally
        {
            // The buffer in flight must not return to the pool before it is written, whatever went wrong meanwhile.
            Task.WaitAny(writing);
            ArrayPool<byte>.Shared.Return(buffers[0]);
            ArrayPool<byte>.Shared.Return(buffers[1]);
        }

        writing.GetAwaiter().GetResult();
    }

    private static void Encode(Batch batch, IParameterSource source, byte[] buffer, CancellationToken cancellation)
    {
        buffer.AsSpan(0, batch.LengthBytes).Clear();
        Exception?[] faults = new Exception?[batch.Units.Count];
        Parallel.For(0, batch.Units.Count, new ParallelOptions { CancellationToken = cancellation }, i =>
        {
            PackingUnit unit = batch.Units[i];
            try
            {
                unit.Encode(source, buffer.AsSpan((int)(unit.OffsetBytes - batch.OffsetBytes), unit.LengthBytes));
            }
            catch (ModelException fault)
            {
                faults[i] = fault;
            }
        });

        // The first in the order of the file, so that the same model always gives the same message.
        if (faults.FirstOrDefault(fault => fault is not null) is Exception first)
        {
            throw first;
        }
    }

    private static void Write(Batch batch, byte[] buffer, Action<ReadOnlySpan<byte>> write, IProgress<long>? progress)
    {
        write(buffer.AsSpan(0, batch.LengthBytes));
        progress?.Report(batch.OffsetBytes + batch.LengthBytes);
    }

    /// <summary>Units that are made at the same time: a run of the file, the gaps for alignment included.</summary>
    private sealed record Batch(long OffsetBytes, int LengthBytes, IReadOnlyList<PackingUnit> Units);

    private static List<Batch> Batches(PackedWeights layout)
    {
        int wanted = BatchBytesPerThread * Environment.ProcessorCount;
        IReadOnlyList<PackingUnit> units = PackingUnit.Of(layout);
        CheckLayout(layout, units);
        List<Batch> batches = [];
        long begin = 0;
        int first = 0;
        for (int i = 0; i < units.Count; i++)
        {
            long end = i + 1 < units.Count ? units[i + 1].OffsetBytes : layout.LengthBytes;
            long following = i + 1 < units.Count ? units[i + 1].LengthBytes : long.MaxValue - end;
            if (end + following - begin > wanted)
            {
                batches.Add(new(begin, checked((int)(end - begin)), [.. units.Skip(first).Take(i + 1 - first)]));
                begin = end;
                first = i + 1;
            }
        }

        return batches;
    }

    private static void CheckLayout(PackedWeights layout, IReadOnlyList<PackingUnit> units)
    {
        long end = 0;
        foreach (PackingUnit unit in units)
        {
            CheckGap(end, unit.OffsetBytes);
            end = unit.OffsetBytes + unit.LengthBytes;
        }

        CheckGap(end, layout.LengthBytes);
    }

    private static void CheckGap(long end, long begin)
    {
        if (begin < end || begin - end >= 64)
        {
            throw new InvalidOperationException(
                $"the packed layout continues at {begin}, but its last part ended at {end}; expected the next multiple of 64");
        }
    }
}
