using System.CommandLine;
using System.CommandLine.Parsing;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Passes.Training;

namespace ModelCompiler.Tool.Commands;

/// <summary>The options that say which low-rank adapters a model has.</summary>
/// <param name="what">What the first option does.</param>
internal sealed class AdapterSymbols(string what)
{
    /// <summary>The first option, without which there are no others.</summary>
    public Option<int?> Rank { get; } = Numbers.Whole(new Option<int?>("--lora-rank") { Description = what, HelpName = "R" }, 1, 4096);

    private Option<double?> Alpha { get; } = Numbers.Within(
        new Option<double?>("--lora-alpha") { Description = "What an adapter gives is multiplied with alpha / rank. [default: twice the rank]", HelpName = "A" }, double.Epsilon, 1e6, "a number above 0");

    private Option<string?> Targets { get; } = new("--lora-targets") { Description = "Modules that get an adapter, with commas between them. [default: q_proj,v_proj, or c_attn for GPT-2]", HelpName = "NAMES" };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(Rank);
        command.Add(Alpha);
        command.Add(Targets);
        command.Validators.Add(result => RequireRank(result, Alpha, Targets));
    }

    /// <summary>Refuses options that say something about adapters where there are none.</summary>
    public void RequireRank(CommandResult result, params Option[] options)
    {
        foreach (Option option in options.Where(option => result.GetResult(Rank) is not { Implicit: false } && result.GetResult(option) is { Implicit: false }))
        {
            result.AddError($"{option.Name}: found without {Rank.Name}, expected with it.");
        }
    }

    /// <summary>What they say, for a model of a family; null: no adapters.</summary>
    public Func<string, AdapterOptions>? Read(ParseResult parsed)
    {
        if (parsed.GetValue(Rank) is not { } rank)
        {
            return null;
        }

        string[]? targets = parsed.GetValue(Targets)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        double alpha = parsed.GetValue(Alpha) ?? 2 * rank;
        return family => new AdapterOptions(rank, alpha, (targets ?? (family == "gpt2" ? ["c_attn"] : ["q_proj", "v_proj"])).ToEquatable());
    }
}
