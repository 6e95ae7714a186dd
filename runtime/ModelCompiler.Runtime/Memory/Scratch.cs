using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Memory;

/// <summary>
/// The arena of a step and the local scratch of each worker, laid out for <see cref="Rows"/> rows. Grows on demand; since the rows
/// are part of the layout (value v lies at offset(v) · rows), a grown scratch is a new one, zeroed again, so that the pads behind
/// each row are zero. Nothing in it outlives a step.
/// </summary>
/// <param name="model">The model's name, for messages.</param>
/// <param name="arenaFloatsPerRow">Shared scratch, for each row.</param>
/// <param name="localFloats">Scratch of each worker that does not grow.</param>
internal sealed unsafe class Scratch(string model, int arenaFloatsPerRow, int localFloats) : IDisposable
{
    private NativeBlock? arena;
    private NativeBlock?[] locals = [];
    private long growingFloats;

    /// <summary>Rows that it is laid out for; 0 before the first use.</summary>
    public int Rows { get; private set; }

    /// <summary>Makes room for a step of at most <paramref name="rows"/> rows and <paramref name="workers"/> workers.</summary>
    /// <param name="rows">Rows to lay it out for, if it has fewer.</param>
    /// <param name="localFloatsMore">What each worker needs besides, for such a step.</param>
    /// <param name="workers">Workers of the step.</param>
    /// <exception cref="OutOfMemoryException">Nothing has changed, except that the scratch may be empty.</exception>
    public void Reserve(int rows, long localFloatsMore, int workers)
    {
        if (rows > Rows || localFloatsMore > growingFloats)
        {
            int laidOut = Math.Max(rows, Rows);
            growingFloats = Math.Max(localFloatsMore, growingFloats);
            Dispose();
            arena = new NativeBlock(Math.Max(4L * arenaFloatsPerRow * laidOut, 64), $"the activations of {laidOut} rows of model '{model}'");
            Rows = laidOut;
        }

        if (locals.Length < workers)
        {
            Array.Resize(ref locals, workers);
        }

        long localBytes = Math.Max(checked(4 * (localFloats + growingFloats)), 64);
        for (int i = 0; i < workers; i++)
        {
            locals[i] ??= new NativeBlock(localBytes, $"the scratch of worker {i} of model '{model}' for {Rows} rows");
        }
    }

    /// <summary>Points a worker at the arena and at its own scratch. Only after <see cref="Reserve"/>.</summary>
    public void Attach(Worker worker)
    {
        worker.Arena = arena!.Floats;
        worker.ArenaRows = Rows;
        worker.Local = locals[worker.Index]!.Floats;
        worker.LocalRows = worker.Local + localFloats;
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
