using System.CommandLine;
using ModelCompiler.Compare.Engines;
using ModelCompiler.Compare.Inputs;
using ModelCompiler.Compare.Report;
using ModelCompiler.Compare.Results;
using ModelCompiler.Compare.Rounds;
using ModelCompiler.Onnx;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Compare;

/// <summary>The command line: our bench and other engines' in turns, and one table of both.</summary>
internal static class CompareCommand
{
    private static readonly Argument<string?> PlanFile = new("PLAN") { Description = "What to compare. [default: compare.json as it was published with this program]", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> LlamaBench = new("--llama-bench") { Description = "llama.cpp's llama-bench; without it, ours is measured alone.", HelpName = "PATH" };
    private static readonly Option<string?> Onnx = Symbols.OneOf(
        new Option<string?>("--onnx") { Description = "Measures ONNX Runtime too, with this provider, where the plan's pairs say so." }, [.. OnnxProvider.All.Select(provider => provider.Name)]);
    private static readonly Option<string> Models = new("--models") { Description = "Folder that the plan's models are in.", HelpName = "DIR", DefaultValueFactory = _ => "." };
    private static readonly Option<string> Ggufs = new("--gguf") { Description = "Folder that the plan's GGUF files are in.", HelpName = "DIR", DefaultValueFactory = _ => "." };
    private static readonly Option<string?> Modelc = new("--modelc") { Description = "Another modelc.dll. [default: the one built with this program]", HelpName = "PATH" };
    private static readonly Option<int> Rounds = Numbers.Whole(new Option<int>("--rounds") { Description = "Rounds of each pair; 0, with --add: only writes the tables again.", HelpName = "N", DefaultValueFactory = _ => 5 }, 0, 10_000);
    private static readonly Option<int> Starts = Numbers.Whole(new Option<int>("--starts") { Description = "Starts of each program, for the time to its first token.", HelpName = "N", DefaultValueFactory = _ => 20 }, 1, 10_000);
    private static readonly Option<int> Threads = Numbers.Whole(new Option<int>("--threads") { Description = "Threads of every engine.", HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount }, 1, 64);
    private static readonly Option<string[]> Only = new("--only") { Description = "Only the pair MODEL-WEIGHTS[-CACHE][@DEPTH] or 'start NAME', or all with this text in it; may be given several times.", HelpName = "TEXT" };
    private static readonly Option<string?> OutputPath = new("--output", "-o") { Description = "Writes PATH.json and PATH.md.", HelpName = "PATH" };
    private static readonly Option<bool> Add = new("--add") { Description = "Adds the rounds to those in PATH.json: long comparisons can be made in pieces." };

    /// <summary>Parses and runs; faults become a line on standard error.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        RootCommand command = new("Compares modelc with other engines: speed, start and memory, in turns, with medians and spread.")
        {
            PlanFile, LlamaBench, Onnx, Models, Ggufs, Modelc, Rounds, Starts, Threads, Only, OutputPath, Add,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, arguments, cancellation), CancellationToken.None));
        try
        {
            return await command.Parse(arguments).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
        catch (Exception fault) when (fault is CompareException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"compare: error: {fault.Message}");
            return ExitCode.Fault;
        }
    }

    private static int Run(ParseResult parsed, string[] arguments, CancellationToken cancellation)
    {
        string planPath = parsed.GetValue(PlanFile) ?? Path.Combine(AppContext.BaseDirectory, "compare.json");
        ComparisonPlan plan = ComparisonPlan.Read(planPath);
        string[] only = parsed.GetValue(Only) ?? [];
        HashSet<string> keys = [.. plan.Speeds.Select(pair => pair.Key), .. plan.Starts.Select(pair => pair.Key)];
        bool IsWanted(string key) => only.Length == 0 || only.Any(text => keys.Contains(text) ? key == text : key.Contains(text, StringComparison.OrdinalIgnoreCase));
        SpeedPair[] pairs = [.. plan.Speeds.Where(pair => IsWanted(pair.Key))];
        StartPair[] starts = [.. plan.Starts.Where(pair => IsWanted(pair.Key))];
        if (pairs.Length + starts.Length == 0)
        {
            throw new CompareException($"--only: found no pair with '{string.Join("' or '", only)}', expected one of: {string.Join(", ", keys)}.");
        }

        int threads = parsed.GetValue(Threads);
        IEngine[] engines = Engines(parsed, threads);
        string? output = parsed.GetValue(OutputPath);
        Comparison comparison = Begin(parsed, output, threads, arguments);

        void Save()
        {
            if (output is not null)
            {
                comparison.Write(output + ".json");
                new ComparisonReport(comparison, engines).WriteMarkdown(output + ".md");
            }
        }

        int count = parsed.GetValue(Rounds);
        if (count == 0)
        {
            Save();
            new ComparisonReport(comparison, engines).Print();
            return ExitCode.Success;
        }

        SpeedRounds rounds = new(engines, Console.Error.WriteLine);
        rounds.Prepare(pairs, cancellation);
        SpeedResult[] results = [.. pairs.Select(comparison.Of)];
        for (int round = 0; round < count && results.Length > 0; round++)
        {
            rounds.Run(results, cancellation);
            Save();
        }

        StartRounds starting = new(Path.GetDirectoryName(Path.GetFullPath(planPath))!, Console.Error.WriteLine);
        foreach (StartPair pair in starts)
        {
            StartResult? before = comparison.Starts.FirstOrDefault(result => result.Pair.Key == pair.Key);
            StartResult after = starting.Run(pair, before, parsed.GetValue(Starts), cancellation);
            comparison.Starts.RemoveAll(result => ReferenceEquals(result, before));
            comparison.Starts.Add(after);
            Save();
        }

        new ComparisonReport(comparison, engines).Print();
        return ExitCode.Success;
    }

    /// <summary>Ours first.</summary>
    private static IEngine[] Engines(ParseResult parsed, int threads)
    {
        string modelc = parsed.GetValue(Modelc) ?? Path.Combine(AppContext.BaseDirectory, "modelc.dll");
        if (!File.Exists(modelc))
        {
            throw new CompareException($"--modelc: {modelc}: found no such file, expected modelc.dll.");
        }

        string[] program = [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", modelc];
        string models = parsed.GetRequiredValue(Models);
        List<IEngine> engines = [new ModelcEngine(program, models, threads)];
        if (parsed.GetValue(LlamaBench) is { } llamaBench)
        {
            if (!File.Exists(llamaBench))
            {
                throw new CompareException($"--llama-bench: {llamaBench}: found no such file, expected llama.cpp's bench program.");
            }

            engines.Add(new LlamaBenchEngine(llamaBench, parsed.GetRequiredValue(Ggufs), threads));
        }

        if (parsed.GetValue(Onnx) is { } provider)
        {
            engines.Add(new OnnxRuntimeEngine(new ModelcEngine(program, models, threads, provider), provider));
        }

        return [.. engines];
    }

    private static Comparison Begin(ParseResult parsed, string? output, int threads, string[] arguments)
    {
        Machine machine = Machine.Here();
        if (parsed.GetValue(Add))
        {
            if (output is null)
            {
                throw new CompareException("--add: found no --output, expected the path of what to add to.");
            }

            if (File.Exists(output + ".json"))
            {
                return Comparison.Read(output + ".json", machine, threads);
            }
        }

        return new(Comparison.Counted, machine, threads, new Processes.ChildProgram("compare", arguments).ToString(), DateTimeOffset.UtcNow, [], []);
    }
}
