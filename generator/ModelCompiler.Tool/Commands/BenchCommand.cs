using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Measurement;
using Spectre.Console;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc bench</c>: speed of prompt and decode, held against what the machine can do at most, measured in the same run.</summary>
internal static class BenchCommand
{
    private static readonly Argument<string> Directory = Symbols.Model();
    private static readonly Option<int> PromptLength = Numbers.Whole(new Option<int>("--prompt-length") { Description = "Tokens of the prompt.", HelpName = "N", DefaultValueFactory = _ => 512 }, 1, int.MaxValue);
    private static readonly Option<int> GenLength = Numbers.Whole(new Option<int>("--gen-length") { Description = "Tokens decoded behind it.", HelpName = "N", DefaultValueFactory = _ => 128 }, 1, int.MaxValue);
    private static readonly Option<int> Repeat = Numbers.Whole(new Option<int>("--repeat") { Description = "Times that each is measured; the median is told.", HelpName = "R", DefaultValueFactory = _ => 5 }, 1, 1_000_000);
    private static readonly Option<int?> Threads = Symbols.Threads();
    private static readonly Option<string> Weights = Symbols.Weights();
    private static readonly Option<string?> Isa = Symbols.Isa();
    private static readonly Option<bool> Verify = Symbols.Verify();
    private static readonly Option<bool> Json = Symbols.Json();

    public static Command Create()
    {
        Command command = new("bench", "Measures prompt and decode speed, bytes per second and load time.") { Directory, PromptLength, GenLength, Repeat, Threads, Weights, Isa, Verify, Json };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        using ProgressLine progress = new();
        HostedModel Load() => new ModelHost(parsed.GetRequiredValue(Directory), parsed.GetRequiredValue(Weights), progress.Begin, cancellation)
            .Load(Symbols.LoadOptions(parsed.GetValue(Threads), parsed.GetValue(Isa), parsed.GetValue(Verify)));

        Load().Dispose(); // compiles, so that what is timed is a load from the cache, as in every later run
        long begun = Stopwatch.GetTimestamp();
        using HostedModel hosted = Load();
        CompiledModel model = hosted.Model;
        TimeSpan loading = Stopwatch.GetElapsedTime(begun);

        progress.Begin("measuring", 0);
        ModelSpeed speed = ModelSpeed.Measure(model, parsed.GetValue(PromptLength), parsed.GetValue(GenLength), parsed.GetValue(Repeat), cancellation);
        MachinePeaks peaks = MachinePeaks.Measure(model.Threads, cancellation);
        progress.Dispose();
        if (parsed.GetValue(Json))
        {
            WriteJson(parsed, model, speed, peaks, loading);
        }
        else
        {
            WriteTable(model, speed, peaks, loading);
            WriteCuts(parsed, model, speed);
        }

        return ExitCode.Success;
    }

    private static void WriteTable(CompiledModel model, ModelSpeed speed, MachinePeaks peaks, TimeSpan loading)
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{model.Description.Family} {model.Description.Format}, {InstructionSets.Name(model.InstructionSet)}, {model.Threads} threads; load {loading.TotalMilliseconds:F1} ms"));
        Table table = new() { Border = TableBorder.Minimal };
        table.AddColumns("", "tokens", "tokens/s", "slowest", "fastest", "rate", "peak here", "of peak");
        Row(table, "prompt", speed.Prompt, speed.PromptFlopsPerSecond, peaks.FlopsPerSecond, "GFLOP/s", inCache: false);
        Row(table, "decode", speed.Decode, speed.DecodeBytesPerSecond, peaks.ReadBytesPerSecond, "GB/s", inCache: model.Description.BytesPerToken <= ProcessorCache.LastLevelBytes);
        Output.Write(table);
    }

    private static void Row(Table table, string what, Speed speed, double rate, double peak, string unit, bool inCache)
    {
        string Show(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
        table.AddRow(
            what, Show($"{speed.Tokens}"), Show($"{speed.Median:F1}"), Show($"{speed.Slowest:F1}"), Show($"{speed.Fastest:F1}"),
            Show($"{rate / 1e9:F2} {unit}"), Show($"{peak / 1e9:F2} {unit}"), inCache ? "— (weights fit the cache)" : Show($"{100 * rate / peak:F1} %"));
    }

    /// <summary>Lengths that the context does not hold were cut: a reader must not take them for what was asked.</summary>
    private static void WriteCuts(ParseResult parsed, CompiledModel model, ModelSpeed speed)
    {
        Tell(PromptLength, speed.Prompt.Tokens);
        Tell(GenLength, speed.Decode.Tokens);

        void Tell(Option<int> option, int measured)
        {
            if (parsed.GetValue(option) != measured)
            {
                Console.WriteLine($"{option.Name} {parsed.GetValue(option)} was cut to {measured}: the model's context holds {model.Description.ContextLength} tokens, prompt and decoded ones together.");
            }
        }
    }

    private static void WriteJson(ParseResult parsed, CompiledModel model, ModelSpeed speed, MachinePeaks peaks, TimeSpan loading)
        => Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                family = model.Description.Family,
                weights = model.Description.Format,
                instructionSet = InstructionSets.Name(model.InstructionSet),
                threads = model.Threads,
                loadSeconds = loading.TotalSeconds,
                bytesPerToken = model.Description.BytesPerToken,
                contextLength = model.Description.ContextLength,
                askedPromptLength = parsed.GetValue(PromptLength),
                askedGenLength = parsed.GetValue(GenLength),
                prompt = Describe(speed.Prompt),
                promptFlopsPerSecond = speed.PromptFlopsPerSecond,
                decode = Describe(speed.Decode),
                decodeBytesPerSecond = speed.DecodeBytesPerSecond,
                peakFlopsPerSecond = peaks.FlopsPerSecond,
                peakReadBytesPerSecond = peaks.ReadBytesPerSecond,
            },
            Output.Json));

    private static object Describe(Speed speed)
        => new { tokens = speed.Tokens, tokensPerSecond = speed.Median, slowest = speed.Slowest, fastest = speed.Fastest };
}
