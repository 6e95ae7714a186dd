using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc run</c>: writes text behind a prompt, as it is generated.</summary>
internal static class RunCommand
{
    private static readonly Argument<string> Directory = Symbols.Model();
    private static readonly Option<string> Prompt = new("--prompt", "-p") { Description = "Text to write on behind.", HelpName = UnknownOptions.AnyText, DefaultValueFactory = _ => "" };
    private static readonly Option<int[]?> Tokens = TokenList.Option("Token ids instead of a text; token ids come out.");
    private static readonly Option<int?> MaxTokens = Numbers.Whole(new Option<int?>("--max-tokens", "-n") { Description = "Most tokens to generate. [default: until the model ends, or its context]", HelpName = "N" }, 1, int.MaxValue);
    private static readonly Option<float> Temperature = Numbers.Within(new Option<float>("--temperature") { Description = "0: always the most likely token.", HelpName = "T", DefaultValueFactory = _ => 1 }, 0, float.MaxValue, "a number, at least 0");
    private static readonly Option<int> TopK = Numbers.Whole(new Option<int>("--top-k") { Description = "Draws from the K most likely tokens; 0: from all.", HelpName = "K" }, 0, int.MaxValue);
    private static readonly Option<float> TopP = Numbers.Within(new Option<float>("--top-p") { Description = "Draws from the fewest tokens that together have this probability.", HelpName = "P", DefaultValueFactory = _ => 1 }, float.Epsilon, 1, "a number above 0, at most 1");
    private static readonly Option<float> MinP = Numbers.Within(new Option<float>("--min-p") { Description = "Draws from tokens at least this many times as likely as the most likely one.", HelpName = "P" }, 0, 1, "a number from 0 to 1");
    private static readonly Option<ulong?> Seed = Numbers.Whole(new Option<ulong?>("--seed") { Description = "The same seed gives the same text. [default: another every time]", HelpName = "S" }, 0UL, ulong.MaxValue);
    private static readonly Option<string[]> Stop = new("--stop") { Description = "Text that ends the generation; may be given several times.", HelpName = UnknownOptions.AnyText };
    private static readonly Option<bool> IgnoreEnd = new("--ignore-end") { Description = "Goes on behind the model's end tokens." };
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
        Command command = new("run", "Writes text behind a prompt.")
        {
            Directory, Prompt, Tokens, MaxTokens, Temperature, TopK, TopP, MinP, Seed, Stop, IgnoreEnd, Threads, Weights, Cache, Isa, Verify, Json,
        };
        Adapter.AddTo(command);
        Offload.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(Prompt) is { Implicit: false } && result.GetResult(Tokens) is { Implicit: false })
            {
                result.AddError("--prompt and --tokens: found both, expected one of them.");
            }
        });
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(Tokens) is not { Length: > 0 })
        {
            RequiredTokenizer.Require(parsed.GetRequiredValue(Directory), "Put it there, or give --tokens instead of --prompt.");
        }

        using HostedModel hosted = Load(parsed, cancellation);
        hosted.Explain(model => Write(parsed, model, cancellation));
        if (hosted.Model.OffloadFault is { } fault)
        {
            Output.Tell($"modelc: warning MC341: {fault.Message} The emitted code took over.");
        }

        return ExitCode.Success;
    }

    private static void Write(ParseResult parsed, CompiledModel model, CancellationToken cancellation)
    {
        GenerationOptions options = new()
        {
            MaxTokens = parsed.GetValue(MaxTokens),
            Temperature = parsed.GetValue(Temperature),
            TopK = parsed.GetValue(TopK),
            TopP = parsed.GetValue(TopP),
            MinP = parsed.GetValue(MinP),
            Seed = parsed.GetValue(Seed),
            StopTexts = parsed.GetValue(Stop) ?? [],
            IgnoreEndTokens = parsed.GetValue(IgnoreEnd),
        };
        if (parsed.GetValue(Tokens) is { Length: > 0 } prompt)
        {
            TokenList.Check(prompt, model.Description);
            TokenGeneration tokens = model.GenerateTokens(prompt, options, cancellation);
            IEnumerable<string> ids = tokens.Select((token, index) => (index == 0 ? "" : " ") + token.ToString(CultureInfo.InvariantCulture));
            Write(parsed, ids, () => tokens.Result);
        }
        else
        {
            string begun = parsed.GetRequiredValue(Prompt);
            TextGeneration text = model.Generate(begun, options, cancellation);
            // A person reads on from the prompt; a program that reads us gets what was generated, and nothing else.
            Write(parsed, Console.IsOutputRedirected || parsed.GetValue(Json) ? text : text.Prepend(begun), () => text.Result);
        }
    }

    private static HostedModel Load(ParseResult parsed, CancellationToken cancellation)
    {
        using ProgressLine progress = new();
        string directory = parsed.GetRequiredValue(Directory), weights = parsed.GetRequiredValue(Weights);
        LoadOptions loading = Symbols.LoadOptions(parsed.GetValue(Threads), parsed.GetValue(Isa), parsed.GetValue(Verify));
        return new ModelHost(directory, new(weights, parsed.GetRequiredValue(Cache)), progress.Begin, cancellation, Adapter.Of(parsed, Offload))
            .Load(loading with { Offload = Offload.Of(parsed, directory, weights, progress.Begin, cancellation) });
    }

    private static void Write(ParseResult parsed, IEnumerable<string> pieces, Func<GenerationResult> result)
    {
        if (!parsed.GetValue(Json))
        {
            foreach (string piece in pieces)
            {
                Console.Out.Write(piece);
            }

            Console.Out.WriteLine();
            return;
        }

        StringBuilder text = new();
        foreach (string piece in pieces)
        {
            text.Append(piece);
        }

        GenerationResult ended = result();
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                text = text.ToString(),
                tokens = ended.Tokens.Select(token => token.Id),
                finishReason = ended.FinishReason.ToString(),
                promptTokens = ended.PromptTokens,
                seed = ended.Seed.ToString(CultureInfo.InvariantCulture), // most readers of JSON keep whole numbers only up to 2^53
                promptTokensPerSecond = ended.PromptTokensPerSecond,
                tokensPerSecond = ended.TokensPerSecond,
            },
            Output.Json));
    }
}
