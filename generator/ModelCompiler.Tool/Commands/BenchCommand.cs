using System.CommandLine;
using System.Diagnostics;
using ModelCompiler.Compiler;
using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc bench</c>: speed of prompt and decode, held against what the machine can do at most, measured in the same run.</summary>
internal static class BenchCommand
{
    private static readonly Argument<string> Directory = Symbols.Model();
    private static readonly Option<int> PromptLength = Numbers.Whole(new Option<int>("--prompt-length") { Description = "Tokens of the prompt; 0: do not measure it.", HelpName = "N", DefaultValueFactory = _ => 512 }, 0, int.MaxValue);
    private static readonly Option<int> GenLength = Numbers.Whole(new Option<int>("--gen-length") { Description = "Tokens decoded one by one; 0: do not measure it.", HelpName = "N", DefaultValueFactory = _ => 128 }, 0, int.MaxValue);
    private static readonly Option<int> Depth = Numbers.Whole(new Option<int>("--depth") { Description = "Tokens of the context that prompt and decode each begin behind.", HelpName = "N" }, 0, int.MaxValue);
    private static readonly Option<int> Batch = Numbers.Whole(new Option<int>("--batch") { Description = "Sequences that decode together.", HelpName = "N", DefaultValueFactory = _ => 1 }, 1, 4096);
    private static readonly Option<int> Repeat = Numbers.Whole(new Option<int>("--repeat") { Description = "Times that each is measured; the median is told.", HelpName = "R", DefaultValueFactory = _ => 5 }, 1, 1_000_000);
    private static readonly Option<int?> Threads = Symbols.Threads();
    private static readonly Option<string> Weights = Symbols.Weights();
    private static readonly Option<string> Cache = Symbols.Cache();
    private static readonly Option<string?> Isa = Symbols.Isa();
    private static readonly Option<bool> Verify = Symbols.Verify();
    private static readonly AppliedAdapterSymbols Adapter = new();
    private static readonly OffloadSymbols Offload = new();
    private static readonly Option<bool> Json = Symbols.Json();

    public static Command Create()
    {
        Command command = new("bench", "Measures prompt and decode speed, bytes per second, load time and memory.")
        {
            Directory, PromptLength, GenLength, Depth, Batch, Repeat, Threads, Weights, Cache, Isa, Verify, Json,
        };
        Adapter.AddTo(command);
        Offload.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        Workload asked = new(
            parsed.GetValue(PromptLength), parsed.GetValue(GenLength), parsed.GetValue(Depth), parsed.GetValue(Batch), parsed.GetValue(Repeat));
        if (asked.PromptLength == 0 && asked.GenLength == 0)
        {
            throw new UsageException("--prompt-length and --gen-length: found 0 for both, expected something to measure.");
        }

        if (Offload.IsAsked(parsed) && asked.Depth > 0)
        {
            throw new UsageException("--depth: found it with --provider, expected one of them: another processor reads the context again after each measurement.");
        }

        BenchReport report = Measure(parsed, asked, cancellation);
        if (parsed.GetValue(Json))
        {
            report.WriteJson();
        }
        else
        {
            report.WriteTable();
        }

        return ExitCode.Success;
    }

    private static BenchReport Measure(ParseResult parsed, Workload asked, CancellationToken cancellation)
    {
        using ProgressLine progress = new();
        bool compiled = false;
        AdapterChoice? adapter = Adapter.Of(parsed, Offload);
        OnnxOffload? offload = Offload.Of(parsed, parsed.GetRequiredValue(Directory), parsed.GetRequiredValue(Weights), Begin, cancellation);
        offload = offload is null ? null : offload with { Threads = parsed.GetValue(Threads) };
        HostedModel Load() => new ModelHost(parsed.GetRequiredValue(Directory), Options(parsed), Begin, cancellation, adapter)
            .Load(Symbols.LoadOptions(parsed.GetValue(Threads), parsed.GetValue(Isa), parsed.GetValue(Verify)) with { Offload = offload });

        IProgress<long> Begin(string what, long bytes)
        {
            compiled = true;
            return progress.Begin(what, bytes);
        }

        Load().Dispose(); // compiles, so that what is timed is a load from the cache, as in every later run
        long begun = Stopwatch.GetTimestamp();
        using HostedModel hosted = Load();
        CompiledModel model = hosted.Model;
        TimeSpan loading = Stopwatch.GetElapsedTime(begun);
        ReadOneToken(model);
        TimeSpan firstToken = Stopwatch.GetElapsedTime(begun);

        progress.Begin("measuring", 0);
        Workload work = asked.FitTo(model.Description);
        PeakMeter? meter = null;
        long resident = 0;
        ModelSpeed speed;
        try
        {
            speed = ModelSpeed.Measure(model, work, AfterEach, cancellation);
        }
        finally
        {
            meter?.Dispose();
        }

        void AfterEach()
        {
            if (meter is null)
            {
                // Warmed up, the model has all memory that it will take; from here on the meter's would be counted.
                resident = compiled ? 0 : ResidentMemory.PeakBytes;
                meter = new PeakMeter(model.Threads);
            }

            meter.Sample(cancellation);
        }

        using PlannedModel planned = PlannedModel.Open(parsed.GetRequiredValue(Directory), ModelHost.ModelName, Options(parsed));
        return new(model.Description, model.InstructionSet, offload is null ? null : $"ONNX Runtime {OnnxLibrary.Version} {offload.Provider}", model.Threads, asked, work, speed, meter!.Peaks, ModelWork.Of(planned.Plan, work), loading, firstToken, resident);
    }

    private static PlanOptions Options(ParseResult parsed) => new(parsed.GetRequiredValue(Weights), parsed.GetRequiredValue(Cache));

    private static void ReadOneToken(CompiledModel model)
    {
        using Session session = model.CreateSession();
        session.Forward([0]);
    }
}
