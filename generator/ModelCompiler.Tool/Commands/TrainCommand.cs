using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Tokenizers.Training;
using ModelCompiler.Tool.Training;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc train</c>: trains a model from scratch, or one that there is further, and writes a folder as models are published.</summary>
internal static class TrainCommand
{
    private static readonly Argument<string?> Directory = new("DIR") { Description = "A model to train further: a folder with config.json, *.safetensors and tokenizer.json.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<string?> Config = new("--config") { Description = "Instead of DIR: a config.json whose model to train from scratch. vocab_size and the ids of special tokens may be left out.", HelpName = "FILE" };
    private static readonly Option<string[]> Texts = Several(new("--text", "-f") { Description = "Text to learn from, UTF-8: plain, .json or .jsonl; several may be given.", HelpName = "FILE", Required = true });
    private static readonly Option<string[]> Validation = Several(new("--validation") { Description = "Text that is only looked at. [default: a part of the documents, --hold-out]", HelpName = "FILE" });
    private static readonly Option<double> HoldOut = Numbers.Within(new Option<double>("--hold-out") { Description = "Part of the documents that is held out for validation.", HelpName = "PART", DefaultValueFactory = _ => 0.1 }, 0, 0.5, "a number from 0 to 0.5");
    private static readonly Option<string> Split = Symbols.OneOf(new Option<string>("--split") { Description = "Where documents of plain text end; auto: at <|endoftext|>, or else at blank lines.", DefaultValueFactory = _ => "auto" }, "auto", "marker", "blank-lines", "none");
    private static readonly Option<string[]> JsonFields = Several(new("--json-field") { Description = "Field of JSON objects that is text; several become lines, in this order.", HelpName = "NAME" });
    private static readonly Option<string?> Tokenizer = new("--tokenizer") { Description = "With --config: a tokenizer.json, or char (made from the text, one token for each character), or bpe (byte-level pairs of the text). [default: bpe]", HelpName = "FILE|char|bpe" };
    private static readonly Option<int> Vocabulary = Numbers.Whole(new Option<int>("--vocab") { Description = "Most tokens of the tokenizer that bpe makes.", HelpName = "N", DefaultValueFactory = _ => TokenizerChoice.UsualVocabulary }, BytePairTrainer.LeastVocabulary, 1 << 20);
    private static readonly Option<long> Steps = Numbers.Whole(new Option<long>("--steps") { Description = "Updates of the parameters.", HelpName = "N", Required = true }, 1, long.MaxValue);
    private static readonly Option<int> Batch = Numbers.Whole(new Option<int>("--batch") { Description = "Sequences that are learned from at once.", HelpName = "B", DefaultValueFactory = _ => 8 }, 1, 1 << 20);
    private static readonly Option<int> Context = Numbers.Whole(new Option<int>("--context") { Description = "Tokens of a sequence.", HelpName = "T", DefaultValueFactory = _ => 256 }, 1, 1 << 24);
    private static readonly Option<int> Accumulate = Numbers.Whole(new Option<int>("--accumulate") { Description = "Batches for each update: a larger batch in the same memory.", HelpName = "A", DefaultValueFactory = _ => 1 }, 1, 1 << 20);
    private static readonly Option<double> LearningRate = Numbers.Within(new Option<double>("--lr") { Description = "Largest learning rate; it falls to a tenth along a cosine.", HelpName = "RATE", DefaultValueFactory = _ => 1e-3 }, double.Epsilon, 100, "a number above 0, at most 100");
    private static readonly Option<long?> WarmUp = Numbers.Whole(new Option<long?>("--warmup") { Description = "Steps until the learning rate is reached. [default: a twentieth of all, at most 200]", HelpName = "N" }, 0, long.MaxValue);
    private static readonly Option<double> WeightDecay = Numbers.Within(new Option<double>("--weight-decay") { Description = "Decay of the matrices.", HelpName = "D", DefaultValueFactory = _ => 0.1 }, 0, 1, "a number from 0 to 1");
    private static readonly Option<double> Clip = Numbers.Within(new Option<double>("--clip") { Description = "Largest norm of the gradients; 0: any.", HelpName = "N", DefaultValueFactory = _ => 1 }, 0, 1e30, "a number, at least 0");
    private static readonly Option<ulong> Seed = Numbers.Whole(new Option<ulong>("--seed") { Description = "The same seed, text and options give the same model, to the bit.", HelpName = "S", DefaultValueFactory = _ => 1 }, 0UL, ulong.MaxValue);
    private static readonly Option<int?> Threads = Symbols.Threads();
    private static readonly Option<string?> Isa = Symbols.Isa();
    private static readonly Option<long> EvaluateEvery = Numbers.Whole(new Option<long>("--eval-every") { Description = "Steps between two looks at the held-out text; 0: never.", HelpName = "N", DefaultValueFactory = _ => 100 }, 0, long.MaxValue);
    private static readonly Option<int> EvaluationWindows = Numbers.Whole(new Option<int>("--eval-windows") { Description = "Most windows of it that are looked at, evenly over it.", HelpName = "N", DefaultValueFactory = _ => 64 }, 1, int.MaxValue);
    private static readonly Option<long> CheckpointEvery = Numbers.Whole(new Option<long>("--checkpoint-every") { Description = "Steps between two checkpoints; 0: only at the end, and when stopped.", HelpName = "N", DefaultValueFactory = _ => 500 }, 0, long.MaxValue);
    private static readonly Option<bool> Resume = new("--resume") { Description = "Goes on from the last checkpoint in the output folder: the same bits as without a stop." };
    private static readonly Option<string> Keep = Symbols.OneOf(new Option<string>("--keep") { Description = "Which model is written: that of the step where the held-out text went best, or of the last.", DefaultValueFactory = _ => "best" }, "best", "last");
    private static readonly Option<long?> Memory = Numbers.Whole(new Option<long?>("--memory") { Description = "Most bytes for activations; layers are computed twice to stay below. [default: all are kept]", HelpName = "BYTES" }, 1L << 20, long.MaxValue);
    private static readonly Option<string> Type = Symbols.OneOf(new Option<string>("--dtype") { Description = "Element type of the model that is written; checkpoints are always f32.", DefaultValueFactory = _ => "f32" }, "f32", "bf16");
    private static readonly Option<string?> Prompt = new("--prompt", "-p") { Description = "What the samples that are shown go on from. [default: nothing; where a new model's text is a single document, its first words]", HelpName = UnknownOptions.AnyText };
    private static readonly Option<bool> Force = new("--force") { Description = "Replaces a model that lies in the output folder already." };
    private static readonly AdapterSymbols Adapters = new("Trains low-rank adapters (LoRA) of this rank and leaves the model as it is; -o receives them as the PEFT library publishes them.");
    private static readonly Option<string> Weights = Symbols.Weights();
    private static readonly Option<string> OutputFolder = Symbols.Output("Folder that receives the model, its checkpoints, train-log.jsonl and loss.svg.");
    private static readonly Option<bool> Json = Symbols.Json();

    public static Command Create()
    {
        Command command = new("train", "Trains a model on a text: from scratch (--config), or further (DIR).")
        {
            Directory, Config, Texts, Validation, HoldOut, Split, JsonFields, Tokenizer, Vocabulary, Steps, Batch, Context, Accumulate, LearningRate, WarmUp, WeightDecay, Clip, Seed,
            Threads, Isa, EvaluateEvery, EvaluationWindows, CheckpointEvery, Resume, Keep, Memory, Type, Prompt, Weights, Force, OutputFolder, Json,
        };
        Adapters.AddTo(command);
        command.Validators.Add(Check);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    /// <summary>By what was given, not by values: these are read, and their mistakes told, behind it.</summary>
    private static void Check(CommandResult result)
    {
        bool folder = result.GetResult(Directory) is { Tokens.Count: > 0 };
        if (folder == (result.GetResult(Config) is { Implicit: false }))
        {
            result.AddError($"found {(folder ? "both DIR and --config" : "neither DIR nor --config")}, expected one of them: a model to train further, or the config of one to train from scratch.");
        }

        if (folder && result.GetResult(Tokenizer) is { Implicit: false })
        {
            result.AddError("--tokenizer: found one beside DIR, expected none: a model that there is has learned its own.");
        }

        string? tokenizer = result.GetResult(Tokenizer)?.Tokens is [{ Value: not TokenizerChoice.BytePairs and var other }] ? $"--tokenizer {other}" : null;
        if (result.GetResult(Vocabulary) is { Implicit: false } && (folder || tokenizer is not null))
        {
            result.AddError($"--vocab: found with {(folder ? "DIR" : tokenizer)}, expected with --tokenizer bpe alone: it is for the tokenizer that this makes.");
        }

        string[] texts = [.. new[] { Texts, Validation }.SelectMany(option => result.GetResult(option)?.Tokens ?? []).Select(token => token.Value)];
        if (result.GetResult(JsonFields) is { Implicit: false } && texts.Length > 0 && !Array.Exists(texts, TextDocuments.HasFields))
        {
            result.AddError($"--json-field: found with '{texts[0]}', expected with a .json or .jsonl file: plain text has no fields.");
        }

        CheckAdapters(result, folder);
    }

    private static void CheckAdapters(CommandResult result, bool folder)
    {
        bool adapters = result.GetResult(Adapters.Rank) is { Implicit: false };
        Adapters.RequireRank(result, Weights); // a model that is trained itself is in f32
        if (adapters && !folder)
        {
            result.AddError("--lora-rank: found with --config, expected with DIR: adapters belong to a model that is trained already.");
        }

        if (adapters && result.GetResult(Type) is { Implicit: false })
        {
            result.AddError("--dtype: found with --lora-rank, expected without it: adapters are written in f32.");
        }
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        TrainingRequest request = Request(parsed);
        using ProgressLine progress = new();
        TrainingRun run = new(request, parsed.GetValue(Force), source => Load(request, source, progress, cancellation), cancellation);
        Tell(parsed, request, run.Run());
        return ExitCode.Success;
    }

    private static TrainableModel Load(TrainingRequest request, TrainingSource source, ProgressLine progress, CancellationToken cancellation)
    {
        TrainingPlanOptions planning = new(
            request.MemoryBytes, checked(request.Options.Batch * request.Options.Context), request.Adapters?.Invoke(source.Graph.Family), request.Weights);
        TrainingLoadOptions loading = request.Loading;
        TrainingWeights? frozen = null;
        if (planning.Adapters is not null)
        {
            (string path, ModelManifest manifest) = new ModelHost(request.Source, new(request.Weights), progress.Begin, cancellation).LoadPacked();
            loading = loading with { WeightsPath = path };
            frozen = new(manifest.WeightsFile, null, manifest.ContentHash);
        }

        progress.Begin("compiling", 0);
        TrainableModel model = TrainingHost.Load(source.Inputs, planning, loading, cancellation, frozen);
        progress.Dispose();
        return model;
    }

    private static TrainingRequest Request(ParseResult parsed)
    {
        string? config = parsed.GetValue(Config);
        string output = Symbols.OutputFolder(parsed.GetRequiredValue(OutputFolder));
        string source = config ?? parsed.GetValue(Directory)!;
        if (config is null && Path.GetFullPath(source) == Path.GetFullPath(output))
        {
            throw new UsageException($"-o: found '{output}', the folder of the model to train further, expected another one.");
        }

        if (parsed.GetValue(WarmUp) > parsed.GetValue(Steps))
        {
            throw new UsageException($"--warmup: found {parsed.GetValue(WarmUp)} steps, expected at most all, {parsed.GetValue(Steps)}.");
        }

        TrainerOptions options = new()
        {
            Steps = parsed.GetValue(Steps), Batch = parsed.GetValue(Batch), Context = parsed.GetValue(Context), Accumulate = parsed.GetValue(Accumulate),
            LearningRate = parsed.GetValue(LearningRate), WarmUp = parsed.GetValue(WarmUp), Seed = parsed.GetValue(Seed),
            Optimizer = new() { WeightDecay = parsed.GetValue(WeightDecay), ClipNorm = parsed.GetValue(Clip) },
            EvaluateEvery = parsed.GetValue(EvaluateEvery), EvaluationWindows = parsed.GetValue(EvaluationWindows),
            CheckpointEvery = parsed.GetValue(CheckpointEvery), Resume = parsed.GetValue(Resume),
        };
        TrainingLoadOptions loading = new()
        {
            Threads = parsed.GetValue(Threads),
            InstructionSet = parsed.GetValue(Isa) is { } isa && InstructionSets.TryParse(isa, out Runtime.InstructionSet chosen) ? chosen : null,
        };
        DocumentSplit split = Enum.Parse<DocumentSplit>(parsed.GetRequiredValue(Split).Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
        return new(
            source, config is not null, parsed.GetRequiredValue(Texts), parsed.GetValue(Validation) ?? [], split, parsed.GetValue(JsonFields) ?? [],
            parsed.GetValue(HoldOut), parsed.GetValue(Tokenizer), parsed.GetValue(Vocabulary), options, parsed.GetValue(Memory), loading, output, parsed.GetRequiredValue(Type) == "bf16", parsed.GetValue(Prompt),
            Adapters.Read(parsed), parsed.GetRequiredValue(Weights), parsed.GetRequiredValue(Keep) == "best");
    }

    private static void Tell(ParseResult parsed, TrainingRequest request, TrainingResult result)
    {
        HeldOutLoss? found = result.HeldOut;
        if (parsed.GetValue(Json))
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    output = request.Output, steps = request.Options.Steps, writtenStep = result.Step, lostBestStep = result.Lost, validationNats = found?.Nats, validationTokens = found?.Tokens,
                    validationBytes = found is null ? null : (long?)result.HeldOutBytes, validationLoss = found?.Mean, natsPerByte = found?.Nats / result.HeldOutBytes,
                },
                Output.Json));
            return;
        }

        string best = result.Lost is { } lost ? $", the model of step {result.Step}: the held-out text went best at step {lost}, whose weights were not kept"
            : result.Step < request.Options.Steps ? $", the model of step {result.Step}, where the held-out text went best (--keep last: of the last step)"
            : "";
        string looked = found is { } held
            ? string.Create(CultureInfo.InvariantCulture, $" Held-out text: {held.Mean:F4} nats for each of {held.Tokens:N0} tokens, {held.Nats / result.HeldOutBytes:F4} for each of {result.HeldOutBytes:N0} bytes, {held.Nats:N1} in all.")
            : "";
        Console.WriteLine($"Trained {request.Options.Steps} steps, wrote {request.Output}{best}.{looked}");
    }

    private static Option<string[]> Several(Option<string[]> option)
    {
        option.AllowMultipleArgumentsPerToken = true;
        return option;
    }
}
