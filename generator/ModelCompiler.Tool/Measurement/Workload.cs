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
    public Workload FitTo(ModelDescription model)
    {
        int depth = Math.Min(Depth, model.ContextLength - 1);
        int room = model.ContextLength - depth;
        return this with { Depth = depth, PromptLength = Math.Min(PromptLength, room), GenLength = Math.Min(GenLength, room) };
    }
}
