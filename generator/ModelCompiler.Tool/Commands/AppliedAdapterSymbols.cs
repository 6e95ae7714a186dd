using System.CommandLine;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary>The options of an adapter that a model is run with.</summary>
internal sealed class AppliedAdapterSymbols
{
    private readonly Option<string?> adapter = Symbols.Adapter("computed beside the packed weights");
    private readonly Option<bool> merge = new("--merge") { Description = "Packs the weights with the adapter merged into them instead." };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(adapter);
        command.Add(merge);
        command.Validators.Add(result =>
        {
            if (result.GetResult(merge) is { Implicit: false } && result.GetResult(adapter) is not { Implicit: false })
            {
                result.AddError("--merge: found without --adapter, expected with it.");
            }
        });
    }

    /// <summary>What they say; null: no adapter.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="offload">The command's options of another processor, whose graph is that of the published weights.</param>
    /// <exception cref="Runtime.Adapters.AdapterException">The folder has no adapter of a kind that we know.</exception>
    /// <exception cref="UsageException">Another processor is asked for, too.</exception>
    public AdapterChoice? Of(ParseResult parsed, OffloadSymbols? offload = null)
    {
        AdapterChoice? choice = Symbols.AdapterChoice(parsed.GetValue(adapter), parsed.GetValue(merge));
        return choice is null || offload is null || !offload.IsAsked(parsed)
            ? choice
            : throw new UsageException("--adapter: found it with --provider, expected one of them: another processor's graph has no adapters.");
    }
}
