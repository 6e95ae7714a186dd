using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// A region of the arena that holds one value, or several side by side: <paramref name="Stride"/> floats per row, from
/// <paramref name="Offset"/> floats per row on. Where <paramref name="LocalOffset"/> is not negative, a step of one row keeps the value in each
/// worker's local scratch there instead.
/// </summary>
public sealed record ArenaBuffer(string Name, int Stride, int Offset, int LocalOffset = -1);

/// <summary>Where a value lies (named for the reader of emitted code; <c>x</c> is the residual stream): in a buffer from a column on, in groups (heads) of <paramref name="GroupWidth"/> numbers, <paramref name="GroupStride"/> floats apart.</summary>
public sealed record Slot(string Name, ArenaBuffer Buffer, int Column, int Groups, int GroupWidth, int GroupStride)
{
    /// <summary>Floats that it takes in a row.</summary>
    public int PaddedWidth => Groups * GroupStride;

    /// <summary>Whether an element lies at the same place of both slots: heads are padded by the same amounts, or not at all.</summary>
    public bool IsLike(Slot other)
        => (Groups == other.Groups && GroupStride == other.GroupStride) || (GroupWidth == GroupStride && other.GroupWidth == other.GroupStride);
}

/// <summary>What the offset of a weight counts from: a field of the worker.</summary>
public enum WeightBase
{
    /// <summary>The packed weights file's data section.</summary>
    Weights,

    /// <summary>The parameters being trained.</summary>
    Trainable,

    /// <summary>Their gradients.</summary>
    Gradients,
}

/// <summary>A weight that a stage reads, or a gradient that it adds to: from the start of <paramref name="Base"/>, with what it is for the reader of emitted code.</summary>
public sealed record WeightArgument(string Name, long OffsetBytes, string Comment, WeightBase Base = WeightBase.Weights)
{
    /// <summary>A matrix in panels.</summary>
    public static WeightArgument Of(string name, PackedMatrix matrix, WeightBase origin = WeightBase.Weights)
    {
        int rows = matrix.Parts.Sum(part => part.Outputs.Sum(segment => segment.Count));
        return new WeightArgument(name, matrix.OffsetBytes, $"{matrix.Name} [{rows} × {matrix.Inputs.Sum(segment => segment.Count)}] {matrix.Format.Name}", origin);
    }

    /// <summary>A vector or table of plain floats.</summary>
    public static WeightArgument Of(string name, PackedVector vector, WeightBase origin = WeightBase.Weights)
        => new(name, vector.OffsetBytes, $"{vector.Name} [{(vector.Rows > 1 ? $"{vector.Rows} × " : "")}{vector.Segments.Sum(segment => segment.Count)}]", origin);
}

/// <summary>
/// One call in the emitted program: a kernel, where its operands lie, and whether the workers meet after it.
/// </summary>
/// <param name="Kernel">The shared body.</param>
/// <param name="Place">Layer and section.</param>
/// <param name="Equation">What it computes, for the reader.</param>
/// <param name="Operands">Activations, in the order of the kernel's parameters; null: the logits.</param>
/// <param name="Weights">Weights, in the order of the kernel's parameters.</param>
/// <param name="PageOffset">Where this layer's part of a cache page begins, in bytes (attention only).</param>
/// <param name="Kept">
/// Not empty: before this stage the step goes down to the rows whose logits are asked for, of which a prompt has one; these are the values
/// that it and later stages still read of earlier ones.
/// </param>
/// <param name="BarrierAfter">Other workers' results of this stage are read next. (Norm keeps its own barrier: it needs none for one row.)</param>
/// <param name="Traced">The state (<see cref="TracedStates"/>), the layer or the input that a <see cref="TapKernel"/> keeps; −1 for every other stage.</param>
public sealed record Stage(
    KernelPlan Kernel, Place Place, string Equation, EquatableArray<Slot?> Operands, EquatableArray<WeightArgument> Weights,
    long PageOffset, EquatableArray<Slot> Kept, bool BarrierAfter, int Traced = -1);
