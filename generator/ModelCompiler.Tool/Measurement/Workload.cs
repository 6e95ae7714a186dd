using ModelCompiler.Tool.Commands;
using ModelCompiler.Runtime;

namespace ModelCompiler.Tool.Measurement;

/// <summary>What is measured: a prompt and a decode, each by itself behind the same context.</summary>
/// <param name="PromptLength">Tokens of the prompt; 0: no prompt is measured.</param>
/// <param name="GenLength">Tokens that each sequence decodes; 0: no decode is measured.</param>
/// <param name="Depth">Tokens of the context that both find; they are read before, and not timed.</param>
/// <param name="Batch">Sequences that decode together, over one pass of the weights.</param>
/// <param name="Repeats">Times that each is measured, after once for warming up.</param>
internal sealed record Workload(int PromptLength, int GenLength, int Depth, int Batch, int Repeats)
{
    /// <summary>The part of it that the model's context holds.</summary>
    /// <exception cref="UsageException">The context is no longer than the depth.</exception>
    public Workload FitTo(ModelDescription model)
    {
        int room = model.ContextLength - Depth;
        if (room < 1)
        {
            throw new UsageException($"--depth: found {Depth}, expected at most {model.ContextLength - 1}: the model's context holds {model.ContextLength} tokens.");
        }

        return this with { PromptLength = Math.Min(PromptLength, room), GenLength = Math.Min(GenLength, room) };
    }
}
