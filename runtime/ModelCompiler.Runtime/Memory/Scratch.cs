using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Memory;

/// <summary>
/// The arena of a step and the local scratch of each worker, laid out for <see cref="Rows"/> rows. Grows on demand; since the rows
/// are part of the layout (value v lies at offset(v) · rows), a grown scratch is a new one, zeroed again, so that the pads behind
/// each row are zero. Nothing in it outlives a step.
/// </summary>
internal sealed unsafe class Scratch(ModelDescription description) : IDisposable
{
    private NativeBlock? arena;
    private NativeBlock?[] locals = [];

    /// <summary>Rows that it is laid out for; 0 before the first use.</summary>
    public int Rows { get; private set; }

    /// <summary>Makes room for a step of <paramref name="rows"/> rows and <paramref name="workers"/> workers.</summary>
    /// <exception cref="OutOfMemoryException">Nothing has changed, except that the scratch may be empty.</exception>
    public void Reserve(int rows, int workers)
    {
        if (rows > Rows)
        {
            Dispose();
            int laidOut = rows == 1 ? 1 : Math.Min(Math.Max(description.MaxRows, rows), (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)rows));
            arena = new NativeBlock(Math.Max(4L * description.ArenaFloatsPerRow * laidOut, 64), $"the activations of {laidOut} rows of model '{description.Name}'");
            Rows = laidOut;
        }

        if (locals.Length < workers)
        {
            Array.Resize(ref locals, workers);
        }

        long localBytes = Math.Max(checked(4 * (description.LocalFloats + ((long)description.LocalFloatsPerRow * Rows))), 64);
        for (int i = 0; i < workers; i++)
        {
            locals[i] ??= new NativeBlock(localBytes, $"the scratch of worker {i} of model '{description.Name}' for {Rows} rows");
        }
    }

    /// <summary>Points a worker at the arena and at its own scratch. Only after <see cref="Reserve"/>.</summary>
    public void Attach(Worker worker)
    {
        worker.Arena = arena!.Floats;
        worker.ArenaRows = Rows;
        worker.Local = locals[worker.Index]!.Floats;
        worker.LocalRows = worker.Local + description.LocalFloats;
    }

    /// <summary>Frees the memory; the scratch may be used again.</summary>
    public void Dispose()
    {
        Rows = 0;
        arena?.Dispose();
        arena = null;
        foreach (NativeBlock? local in locals)
        {
            local?.Dispose();
        }

        locals = [];
    }
}
