using System.CommandLine;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary>Arguments and options that several commands share, so that they mean and are called the same everywhere.</summary>
internal static class Symbols
{
    /// <summary>What the model folder is called in every command.</summary>
    public const string ModelName = "DIR";

    /// <summary>Given by a build: its project file, at which a fault is told that has no place in the model's own files.</summary>
    public static Option<string?> Project { get; } = new("--project") { HelpName = "FILE", Hidden = true };

    /// <summary>The model folder.</summary>
    public static Argument<string> Model() => new(ModelName)
    {
        Description = "The model as published: a folder with config.json, *.safetensors and tokenizer.json.",
    };

    /// <summary>Format of the packed matrices.</summary>
    public static Option<string> Weights()
    {
        Option<string> option = new("--weights")
        {
            Description = "Format that the weight matrices are packed in; behind it, formats for some of them: \"q4, lm_head.*=q8\".",
            HelpName = string.Join("|", WeightFormat.All.Select(format => format.Name)),
            DefaultValueFactory = _ => "f32",
        };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string text }] && !FormatChoice.TryParse(text, out _, out string? mistake))
            {
                result.AddError($"{option.Name}: {mistake}");
            }
        });
        return option;
    }

    /// <summary>Format of the key/value cache.</summary>
    public static Option<string> Cache() => OneOf(
        new Option<string>("--cache") { Description = "Format that keys and values are kept in.", DefaultValueFactory = _ => "f32" },
        [.. CacheFormat.All.Select(format => format.Name)]);

    /// <summary>Most threads of a step.</summary>
    public static Option<int?> Threads() => Numbers.Whole(
        new Option<int?>("--threads") { Description = "Threads to compute with. [default: one for each processor core]", HelpName = "N" },
        1, WorkerPool.MaxThreads);

    /// <summary>Forces an instruction set.</summary>
    public static Option<string?> Isa() => OneOf(
        new Option<string?>("--isa") { Description = "Instruction set to run with. [default: the best one here]" },
        [.. Enum.GetValues<InstructionSet>().Select(InstructionSets.Name)]);

    /// <summary>An adapter of the model; <paramref name="how"/> it is used.</summary>
    public static Option<string?> Adapter(string how) => new("--adapter")
    {
        Description = $"Folder of a low-rank adapter as the PEFT library publishes it (adapter_config.json, adapter_model.safetensors), {how}.",
        HelpName = "DIR",
    };

    /// <summary>What the option says.</summary>
    /// <exception cref="Runtime.Adapters.AdapterException">The folder has no adapter of a kind that we know.</exception>
    /// <exception cref="UsageException">It is a file.</exception>
    public static AdapterChoice? AdapterChoice(string? folder, bool merge)
        => folder is null ? null
            : File.Exists(folder) ? throw new UsageException($"--adapter: found the file '{folder}', expected the folder of an adapter: adapter_config.json and adapter_model.safetensors.")
            : new(folder, merge);

    /// <summary>Whether to read all weights before the first step.</summary>
    public static Option<bool> Verify() => new("--verify") { Description = "Reads all packed weights and compares their hash before anything is computed." };

    /// <summary>For programs.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Writes one JSON object, for programs to read." };

    /// <summary>Where results go.</summary>
    public static Option<string> Output(string description) => new("--output", "-o") { Description = description, HelpName = "PATH", Required = true };

    /// <summary>The file to write, where that is none of the model's own, which would be gone before it was read.</summary>
    /// <exception cref="UsageException">It is one of those, a folder, a device or a pipe, or in a folder that does not exist.</exception>
    public static string OutputFile(string path, string model)
    {
        string full = Path.GetFullPath(path);
        if (Directory.Exists(full) || Path.EndsInDirectorySeparator(path))
        {
            throw new UsageException($"--output: found the folder '{path}', expected a file.");
        }

        RequireFolders("--output", Path.GetDirectoryName(full)!);
        if (!Directory.Exists(Path.GetDirectoryName(full)))
        {
            throw new UsageException($"--output: found no folder '{Path.GetDirectoryName(path)}', expected one that exists for '{Path.GetFileName(path)}'. Make it first.");
        }

        string place;
        try
        {
            place = FilePlace.Of(path);
        }
        catch (IOException fault)
        {
            throw new UsageException($"--output: {fault.Message}");
        }

        return IsOfModel(full) && Path.GetDirectoryName(full) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(model))
            || Directory.Exists(model) && Directory.EnumerateFiles(model).Any(file => IsOfModel(file) && FilePlace.TryOf(file) == place)
            ? throw new UsageException($"--output: found '{path}', a file of the model itself, expected another one.")
            : path;

        static bool IsOfModel(string file) => Path.GetExtension(file) is ".json" or ".safetensors";
    }

    /// <summary>The folder to write, which may be there or not.</summary>
    /// <exception cref="UsageException">It is a file, or lies in one.</exception>
    public static string OutputFolder(string path, string symbol = "--output")
    {
        RequireFolders(symbol, Path.GetFullPath(path));
        return path;
    }

    /// <summary>What the options say about loading.</summary>
    public static LoadOptions LoadOptions(int? threads, string? isa, bool verify) => new()
    {
        VerifyHash = verify,
        Threads = threads,
        InstructionSet = isa is not null && InstructionSets.TryParse(isa, out InstructionSet chosen) ? chosen : null,
    };

    /// <summary>Refuses any other text as a mistake on the command line, on one line.</summary>
    public static Option<T> OneOf<T>(Option<T> option, params string[] known)
    {
        option.HelpName = string.Join("|", known);
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: string found }] && !known.Contains(found, StringComparer.Ordinal))
            {
                result.AddError($"{option.Name}: found '{found}', expected one of {string.Join(", ", known)}.");
            }
        });
        return option;
    }

    /// <exception cref="UsageException">A file has the place of the folder, or of one above it.</exception>
    private static void RequireFolders(string symbol, string folder)
    {
        for (string? path = Path.TrimEndingDirectorySeparator(folder); path is not null && !Directory.Exists(path); path = Path.GetDirectoryName(path))
        {
            if (File.Exists(path))
            {
                throw new UsageException($"{symbol}: found the file '{path}', expected a folder. Name another place.");
            }
        }
    }
}
