using System.CommandLine;
using ModelCompiler.Compiler;
using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Verifying;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc verify</c>: emitted code against ONNX Runtime, the independent witness.</summary>
internal static class VerifyCommand
{
    private static readonly Argument<string> Directory = Symbols.Model();
    private static readonly Option<string> Provider = OnnxSymbols.Provider();
    private static readonly Option<int> Device = OnnxSymbols.Device();
    private static readonly Option<Dictionary<string, string>> ProviderOptions = OnnxSymbols.ProviderOptions();
    private static readonly Option<string?> Library = OnnxSymbols.Library();
    private static readonly Option<string> Weights = Symbols.Weights();
    private static readonly Option<string> Cache = Symbols.Cache();
    private static readonly Option<string?> Operators = OnnxSymbols.Operators();
    private static readonly Option<string> Activations = OnnxSymbols.Activations();
    private static readonly Option<string?> Adapter = Symbols.Adapter("merged into the weights");
    private static readonly Option<string?> Profile = OnnxSymbols.Profile();
    private static readonly Option<int> Prompts = Numbers.Whole(new Option<int>("--prompts") { Description = "Sequences to compare.", HelpName = "N", DefaultValueFactory = _ => 2 }, 1, 10_000);
    private static readonly Option<int> Length = Numbers.Whole(new Option<int>("--length") { Description = "Tokens of a sequence, at most the model's context.", HelpName = "N", DefaultValueFactory = _ => 48 }, 2, int.MaxValue);
    private static readonly Option<ulong> Seed = Numbers.Whole(new Option<ulong>("--seed") { Description = "Of the tokens.", HelpName = "S", DefaultValueFactory = _ => 1 }, 0UL, ulong.MaxValue);
    private static readonly Option<int> MaxTokens = Numbers.Whole(new Option<int>("--max-tokens") { Description = "Tokens to write at temperature 0; 0: none.", HelpName = "N", DefaultValueFactory = _ => 24 }, 0, int.MaxValue);
    private static readonly Option<int?> Threads = Symbols.Threads();
    private static readonly Option<string?> Isa = Symbols.Isa();
    private static readonly Option<bool> Json = Symbols.Json();

    public static Command Create()
    {
        Command command = new("verify", "Compares the emitted code with ONNX Runtime: logits, layers, texts.")
        {
            Directory, Provider, Device, ProviderOptions, Library, Weights, Cache, Adapter, Operators, Activations, Profile, Prompts, Length, Seed, MaxTokens, Threads, Isa, Json, Symbols.Project,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(Library) is { } library)
        {
            OnnxLibrary.Use(library);
        }

        string directory = parsed.GetRequiredValue(Directory);
        PlanOptions options = new(parsed.GetRequiredValue(Weights), parsed.GetRequiredValue(Cache));
        PlanOptions withTaps = options with { Features = ModelFeatures.Trace };
        AdapterChoice? merged = Symbols.AdapterChoice(parsed.GetValue(Adapter), merge: true);
        using ProgressLine progress = new();
        CompiledModel Load(PlanOptions wanted)
            => new ModelHost(directory, wanted, progress.Begin, cancellation, merged).Load(Symbols.LoadOptions(parsed.GetValue(Threads), parsed.GetValue(Isa), verify: true)).Model;
        using CompiledModel model = Load(options);
        string file = ExportedModel.Get(
            directory, options.Weights, OnnxSymbols.Export(parsed.GetValue(Operators), parsed.GetRequiredValue(Activations), chooseLogits: true, parsed.GetRequiredValue(Provider), options.Weights), progress.Begin, cancellation, merged);
        using OnnxModel witness = OnnxModel.Open(Offload(parsed, file));
        using PlannedModel planned = PlannedModel.Open(directory, ModelHost.ModelName, withTaps, merged);
        VerificationWork work = new(
            parsed.GetValue(Prompts), Math.Min(parsed.GetValue(Length), model.Description.ContextLength), parsed.GetValue(Seed), parsed.GetValue(MaxTokens));
        CompiledModel Traced()
        {
            CompiledModel traced = Load(withTaps);
            progress.Begin("comparing", 0);
            return traced;
        }

        progress.Begin("comparing", 0);
        Verification found = Verifier.Run(planned, model, Traced, witness, work, cancellation);
        progress.Dispose();
        VerifyReport report = new(
            model.Description, InstructionSets.Name(model.InstructionSet), parsed.GetRequiredValue(Provider), OnnxLibrary.Version, work, found, model.Tokenizer);
        return Tell(report, parsed.GetValue(Json), Path.Combine(directory, "config.json"));
    }

    private static int Tell(VerifyReport report, bool json, string config)
    {
        if (json)
        {
            report.WriteJson();
        }
        else
        {
            report.WriteTable();
        }

        foreach (string fault in report.Found.Faults)
        {
            Output.Tell($"{config}: error MC340: {fault}. The emitted code, the export or the provider is at fault: please report it, with what 'modelc verify' writes.");
        }

        return report.Found.Agrees ? ExitCode.Success : ExitCode.Fault;
    }

    /// <summary>Exact products, and caches that can be read: what is compared is the model, not what a provider may leave out.</summary>
    private static OnnxOffload Offload(ParseResult parsed, string file)
    {
        return new OnnxOffload(file)
        {
            Provider = parsed.GetRequiredValue(Provider),
            DeviceId = parsed.GetValue(Device),
            Threads = parsed.GetValue(Threads),
            ProfilePrefix = parsed.GetValue(Profile),
            Work = OffloadedWork.Prompts,
            SessionEntries = new Dictionary<string, string> { [OnnxOffload.AccuracyOfBlockProducts] = "1" },
            ProviderOptions = parsed.GetRequiredValue(ProviderOptions),
        };
    }
}
