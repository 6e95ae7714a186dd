using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ModelCompiler.Runtime;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc perplexity</c>: how well a model, in a weights format, foretells a text: what a format costs in quality.</summary>
internal static class PerplexityCommand
{
    private const int UsualContext = 512;
    private const int LeastContext = 4;

    private static readonly Argument<string> Directory = Symbols.Model();
    private static readonly Option<string> Text = new("--text", "-f") { Description = "File with the text, UTF-8.", HelpName = "FILE", Required = true };
    private static readonly Option<int?> Context = Numbers.Whole(new Option<int?>("--context") { Description = $"Tokens of a window. [default: {UsualContext}, or the model's context]", HelpName = "N" }, LeastContext, int.MaxValue);
    private static readonly Option<int?> Stride = Numbers.Whole(new Option<int?>("--stride") { Description = "Windows overlap: one begins every N tokens, its last N are scored. [default: windows follow one another, of each the second half is scored]", HelpName = "N" }, 1, int.MaxValue);
    private static readonly Option<int?> Windows = Numbers.Whole(new Option<int?>("--windows") { Description = "Most windows to read. [default: all]", HelpName = "N" }, 1, int.MaxValue);
    private static readonly Option<int?> Threads = Symbols.Threads();
    private static readonly Option<string> Weights = Symbols.Weights();
    private static readonly Option<string> Cache = Symbols.Cache();
    private static readonly Option<string?> Isa = Symbols.Isa();
    private static readonly Option<bool> Verify = Symbols.Verify();
    private static readonly AppliedAdapterSymbols Adapter = new();
    private static readonly Option<bool> Json = Symbols.Json();

    public static Command Create()
    {
        Command command = new("perplexity", "Measures how well the model foretells a text, as llama.cpp's perplexity tool defines it.")
        {
            Directory, Text, Context, Stride, Windows, Threads, Weights, Cache, Isa, Verify, Json,
        };
        Adapter.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        using ProgressLine progress = new();
        string text = ModelText.ReadNamed(parsed.GetRequiredValue(Text), "Name a text file, UTF-8.", cancellation).Text;
        using HostedModel hosted = new ModelHost(parsed.GetRequiredValue(Directory), new(parsed.GetRequiredValue(Weights), parsed.GetRequiredValue(Cache)), progress.Begin, cancellation, Adapter.Of(parsed))
            .Load(Symbols.LoadOptions(parsed.GetValue(Threads), parsed.GetValue(Isa), parsed.GetValue(Verify)));
        hosted.Explain(model =>
        {
            PerplexityWindows cut = Cut(parsed, model.Description);
            RequiredTokenizer.Require(parsed.GetRequiredValue(Directory));
            int[] tokens = model.Tokenizer!.Encode(text);
            if (tokens.Length < cut.Length)
            {
                throw new UsageException($"--text: found {tokens.Length} tokens, expected at least one window of {cut.Length}. Give a longer text, or a smaller --context.");
            }

            int windows = Math.Min(cut.Count(tokens.Length), parsed.GetValue(Windows) ?? int.MaxValue);
            int read = ((windows - 1) * cut.Stride) + cut.Length;
            progress.Begin($"perplexity of {windows} windows", 0);
            long begun = Stopwatch.GetTimestamp();
            Perplexity found = Perplexity.Measure(model, tokens.AsSpan(0, read), cut, Tell, cancellation);
            double speed = (double)windows * cut.Length / Stopwatch.GetElapsedTime(begun).TotalSeconds;
            progress.Dispose();
            Write(parsed, model.Description, tokens.Length, cut, found, speed);

            void Tell(Perplexity sofar) => progress.Begin(string.Create(CultureInfo.InvariantCulture, $"perplexity: {sofar.Windows} of {windows} windows, {sofar.Value:F4} so far"), 0);
        });
        return ExitCode.Success;
    }

    private static PerplexityWindows Cut(ParseResult parsed, ModelDescription model)
    {
        int length = parsed.GetValue(Context) ?? Math.Min(UsualContext, model.ContextLength);
        if (length > model.ContextLength || length < LeastContext)
        {
            throw new UsageException($"--context: found {length}, expected {LeastContext} to {model.ContextLength}, the model's context.");
        }

        if (parsed.GetValue(Stride) is not { } stride)
        {
            return PerplexityWindows.Apart(length);
        }

        return stride < length
            ? PerplexityWindows.Sliding(length, stride)
            : throw new UsageException($"--stride: found {stride}, expected less than the {length} tokens of a window.");
    }

    private static void Write(ParseResult parsed, ModelDescription model, int tokens, PerplexityWindows cut, Perplexity found, double speed)
    {
        if (parsed.GetValue(Json))
        {
            Console.WriteLine(JsonSerializer.Serialize(
                new
                {
                    family = model.Family,
                    weights = model.Format,
                    cache = model.Cache.Format,
                    perplexity = found.Value,
                    standardError = found.Error,
                    meanLoss = found.MeanLoss,
                    bitsPerToken = found.MeanLoss / Math.Log(2),
                    scoredTokens = found.Scored,
                    textTokens = tokens,
                    windows = found.Windows,
                    context = cut.Length,
                    stride = cut.Stride,
                    weightsBytes = model.WeightsLengthBytes,
                    tokensPerSecond = speed,
                },
                Output.Json));
            return;
        }

        static string Show(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
        Output.Write(Output.List(
            ("perplexity", Show($"{found.Value:F4} ± {found.Error:F5}")), ("bits per token", Show($"{found.MeanLoss / Math.Log(2):F4}")),
            ("scored tokens", Show($"{found.Scored}, in {found.Windows} windows of {cut.Length}")), ("packed weights", $"{Output.Bytes(model.WeightsLengthBytes)}, {model.Format}"),
            ("cache", model.Cache.Format), ("tokens/s", Show($"{speed:F0}"))));
    }
}
