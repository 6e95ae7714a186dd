using System.CommandLine;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Tool.Commands;

/// <summary>Arguments and options that several commands share, so that they mean and are called the same everywhere.</summary>
internal static class Symbols
{
    private static readonly InstructionSet[] InstructionSetsByName = Enum.GetValues<InstructionSet>();

    /// <summary>The model folder.</summary>
    public static Argument<string> Model() => new("DIR")
    {
        Description = "The model as published: a folder with config.json, *.safetensors and tokenizer.json.",
    };

    /// <summary>Format of the packed matrices.</summary>
    public static Option<string> Weights() => new Option<string>("--weights")
    {
        Description = "Format that the weight matrices are packed in.",
        HelpName = string.Join("|", WeightFormat.All.Select(format => format.Name)),
        DefaultValueFactory = _ => "f32",
    }.AcceptOnlyFromAmong([.. WeightFormat.All.Select(format => format.Name)]);

    /// <summary>Most threads of a step.</summary>
    public static Option<int?> Threads() => AtLeast(1, new Option<int?>("--threads")
    {
        Description = "Threads to compute with. [default: one for each processor core]",
        HelpName = "N",
    });

    /// <summary>Forces an instruction set.</summary>
    public static Option<string?> Isa() => new Option<string?>("--isa")
    {
        Description = "Instruction set to run with. [default: the best one here]",
        HelpName = string.Join("|", InstructionSetsByName.Select(InstructionSets.Name)),
    }.AcceptOnlyFromAmong([.. InstructionSetsByName.Select(InstructionSets.Name)]);

    /// <summary>For programs.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Writes one JSON object, for programs to read." };

    /// <summary>Where results go.</summary>
    public static Option<string> Output(string description) => new("--output", "-o") { Description = description, HelpName = "PATH", Required = true };

    /// <summary>Refuses smaller numbers as a mistake on the command line.</summary>
    public static Option<int> AtLeast(int least, Option<int> option)
    {
        option.Validators.Add(result => Refuse(result, result.GetValue(option) < least, $"at least {least}"));
        return option;
    }

    /// <summary>Refuses smaller numbers as a mistake on the command line.</summary>
    public static Option<int?> AtLeast(int least, Option<int?> option)
    {
        option.Validators.Add(result => Refuse(result, result.GetValue(option) < least, $"at least {least}"));
        return option;
    }

    /// <summary>Refuses numbers outside the range as a mistake on the command line.</summary>
    public static Option<float> Within(float least, float most, Option<float> option)
    {
        option.Validators.Add(result => Refuse(
            result, !(result.GetValue(option) >= least && result.GetValue(option) <= most),
            most == float.MaxValue ? $"at least {least}" : $"{least} to {most}"));
        return option;
    }

    /// <summary>What both options say about loading.</summary>
    public static LoadOptions LoadOptions(int? threads, string? isa) => new()
    {
        Threads = threads,
        InstructionSet = isa is not null && InstructionSets.TryParse(isa, out InstructionSet chosen) ? chosen : null,
    };

    private static void Refuse(System.CommandLine.Parsing.OptionResult result, bool wrong, string expected)
    {
        if (wrong)
        {
            result.AddError($"{result.Option.Name}: found {result.Tokens.FirstOrDefault()?.Value ?? "nothing"}, expected {expected}.");
        }
    }
}
