using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Memory;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>A step of training as a kernel sees it: sequences of some lengths, tokens, targets, memory of which every float beside the buffers is a NaN.</summary>
internal sealed unsafe class KernelStep(params int[] lengths)
{
    private const int GuardFloats = 64;

    public int Rows { get; } = lengths.Sum();

    public int[] Lengths => lengths;

    public int[] Tokens { get; init; } = new int[lengths.Sum()];

    public int[] Targets { get; init; } = new int[lengths.Sum()];

    public int[] Positions { get; } = [.. lengths.SelectMany(length => Enumerable.Range(0, length))];

    public float LossScale { get; init; } = 1;

    public bool LossOnly { get; init; }

    public int LogitFloats { get; init; }

    public IReadOnlyList<RopeFrequencies> RopeTables { get; init; } = [];

    /// <summary>Filled by each run.</summary>
    public float[] Losses { get; private set; } = [];

    /// <summary>Runs with every instruction set and 1 to 3 threads, compares all buffers' bits, and returns them as they are behind the kernel.</summary>
    public float[][] RunEverywhere(EmittedKernel kernel, params float[][] buffers)
    {
        float[][] expected = Run(kernel, Engines.Best, 1, buffers);
        float[] losses = Losses;
        foreach (InstructionSet set in Engines.Supported)
        {
            foreach (int threads in (int[])[1, 2, 3])
            {
                float[][] actual = Run(kernel, set, threads, buffers);
                for (int i = 0; i < buffers.Length; i++)
                {
                    Bits.AssertEqual(expected[i], actual[i], $"{kernel.Plan.Name}, argument {i}, {set}, {threads} threads");
                }

                Bits.AssertEqual(losses, Losses, $"{kernel.Plan.Name}, losses, {set}, {threads} threads");
            }
        }

        return expected;
    }

    /// <summary>Runs once. The same array twice is the same memory.</summary>
    public float[][] Run(EmittedKernel kernel, InstructionSet set, int threads, params float[][] buffers)
    {
        Dictionary<float[], NativeBlock> blocks = new(ReferenceEqualityComparer.Instance as IEqualityComparer<float[]>);
        foreach (float[] buffer in buffers)
        {
            blocks.TryAdd(buffer, Block(buffer));
        }

        NativeBlock logits = Block(new float[LogitFloats]), losses = Block(new float[Rows]);
        int fixedFloats = TrainingScratch.LocalFloats(kernel.Plan), longest = (lengths.Max() + 63) & ~63;
        int localFloats = fixedFloats + Math.Max(TrainingScratch.FloatsPerRow(kernel.Plan) * Rows, TrainingScratch.FloatsPerPosition(kernel.Plan) * longest);
        using WorkerPool pool = new(threads, "kernel");
        using RopeCache rope = new(RopeTables, lengths.Max());
        rope.Reserve(lengths.Max());
        NativeBlock[] locals = new NativeBlock[threads];
        SequenceSlice[] slices = [.. lengths.Select((length, i) => new SequenceSlice { FirstRow = lengths.Take(i).Sum(), Rows = length })];
        fixed (int* tokens = Tokens, targets = Targets, positions = Positions)
        fixed (SequenceSlice* slicePointer = slices)
        {
            foreach (Worker worker in pool.Workers)
            {
                locals[worker.Index] = Block(Enumerable.Repeat(float.NaN, localFloats).ToArray());
                worker.Rows = Rows;
                worker.Tokens = tokens;
                worker.Targets = targets;
                worker.Positions = positions;
                worker.Slices = slicePointer;
                worker.SliceCount = lengths.Length;
                worker.Local = locals[worker.Index].Floats;
                worker.LocalRows = worker.Local + fixedFloats;
                worker.Logits = logits.Floats;
                worker.Losses = losses.Floats;
                worker.LossScale = LossScale;
                worker.LossOnly = LossOnly;
                worker.RopeBlocks = rope.Blocks;
                worker.RopeRowFloats = rope.RowFloats;
            }

            nint[] arguments = [.. buffers.Select(buffer => (nint)blocks[buffer].Pointer)];
            pool.Run(threads, worker => kernel.Run(set, worker, arguments));
        }

        Array.ForEach(locals, local => Take(local, localFloats, "its scratch"));
        Take(logits, LogitFloats, "the logits");
        Losses = Take(losses, Rows, "the losses");
        Dictionary<float[], float[]> results = blocks.ToDictionary(pair => pair.Key, pair => Take(pair.Value, pair.Key.Length, "a buffer"));
        return [.. buffers.Select(buffer => results[buffer])];
    }

    private static NativeBlock Block(float[] content)
    {
        NativeBlock block = new((content.Length + GuardFloats) * sizeof(float), "a test");
        new Span<float>(block.Pointer, content.Length + GuardFloats).Fill(float.NaN);
        content.CopyTo(new Span<float>(block.Pointer, content.Length));
        return block;
    }

    private static float[] Take(NativeBlock block, int length, string what)
    {
        ReadOnlySpan<float> all = new(block.Pointer, length + GuardFloats);
        Assert.True(!MemoryMarshal.Cast<float, uint>(all[length..]).ContainsAnyExcept(BitConverter.SingleToUInt32Bits(float.NaN)), $"The kernel wrote behind {what}.");
        float[] content = all[..length].ToArray();
        block.Dispose();
        return content;
    }
}
