using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sampling;
using ModelCompiler.Runtime.Sessions;

namespace ModelCompiler.Tool.Hosting;

/// <summary>A model that runs from the cache, and the place of its packed weights there.</summary>
internal sealed record HostedModel(CompiledModel Model, string WeightsPath) : IDisposable
{
    /// <summary>Runs <paramref name="use"/>; what the runtime says to programmers is said to those at a command line.</summary>
    /// <exception cref="HostedModelException">The logits are not finite, or the context is full.</exception>
    public void Explain(Action<CompiledModel> use)
    {
        try
        {
            use(Model);
        }
        catch (NotFiniteLogitsException)
        {
            throw new HostedModelException(
                $"{WeightsPath}: error MC324: the packed weights: found logits that are not finite numbers, expected numbers. The file is perhaps damaged: "
                + "--verify compares its hash; 'modelc cache --clear' removes it, and the next run packs it again. If that does not help, the published weights are at fault.");
        }
        catch (ContextFullException full)
        {
            throw new HostedModelException(
                $"modelc: error MC322: the prompt: found {full.Found} tokens, expected at most {full.Limit}, the model's context. Give a shorter one.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}

/// <summary>A fault while a model ran, told as a whole line in the canonical form.</summary>
internal sealed class HostedModelException(string line) : Exception(line);
