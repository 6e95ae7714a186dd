using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Tracing;

namespace ModelCompiler.Runtime;

/// <content>Looking inside, where the class was compiled with Trace: the parts of the model by themselves. <see cref="Session.Trace"/> keeps what a whole step computes.</content>
public abstract unsafe partial class CompiledModel
{
    /// <summary>The vectors of all tokens: 4 · vocab · dim bytes.</summary>
    /// <exception cref="InvalidOperationException">The class was compiled without Trace.</exception>
    public TokenVectors ReadTokenVectors()
    {
        RequireTrace();
        int dim = Description.Dim;
        float[] table = new float[checked(Description.Vocab * dim)];
        int[] tokens = [.. Enumerable.Range(0, Description.Vocab)];
        RunParts(tokens, LogitsFor.None, (part, rows) =>
        {
            StepTrace kept = new(1, rows, dim);
            runner.Run(execute, null, new StepLook(kept, VectorsOnly: true));
            kept.StatesOf(0).CopyTo(table.AsSpan(part * dim));
        });
        return new TokenVectors(table, dim);
    }

    /// <summary>The last norm and the head, applied to states [rows × dim]: logits [rows × vocab].</summary>
    internal float[] ApplyHead(ReadOnlySpan<float> states)
    {
        RequireTrace();
        int dim = Description.Dim, vocab = Description.Vocab;
        float[] given = states.ToArray();
        float[] logits = new float[checked(given.Length / dim * vocab)];
        RunParts(new int[given.Length / dim], LogitsFor.All, (part, rows) =>
        {
            StepTrace step = new(1, rows, dim);
            given.AsSpan(part * dim, rows * dim).CopyTo(step.StatesOf(0));
            float* made = runner.Run(execute, null, new StepLook(null, step));
            for (int row = 0; row < rows; row++)
            {
                new ReadOnlySpan<float>(made + ((nint)row * Description.VocabStride), vocab).CopyTo(logits.AsSpan((part + row) * vocab));
            }
        });
        return logits;
    }

    /// <exception cref="InvalidOperationException">The class was compiled without Trace.</exception>
    internal void RequireTrace()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (!Description.CanTrace)
        {
            throw new InvalidOperationException(
                $"The class of model '{Description.Name}' was compiled without Trace. Say [CompiledModel(\"{Description.Name}\", Trace = true)] and build again.");
        }
    }

    /// <summary>Rows that belong to no sequence, as many at once as fit; <paramref name="run"/> receives the first of them and their number.</summary>
    private void RunParts(ReadOnlySpan<int> tokens, LogitsFor logits, Action<int, int> run)
    {
        for (int first = 0; first < tokens.Length;)
        {
            lock (stepLock)
            {
                ObjectDisposedException.ThrowIf(disposed, this);
                runner.Begin();
                int rows = Math.Min(Math.Min(tokens.Length - first, runner.Room), Description.ContextLength);
                runner.Add(null, 0, tokens.Slice(first, rows), logits);
                run(first, rows);
                first += rows;
            }
        }
    }
}
