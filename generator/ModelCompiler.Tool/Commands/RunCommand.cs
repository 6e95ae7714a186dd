using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc run</c>: writes text behind a prompt, as it is generated.</summary>
internal static class RunCommand
{
    private static readonly Argument<string> Directory = Symbols.Model();
    private static readonly Option<string> Prompt = new("--prompt", "-p") { Description = "Text to write on behind.", HelpName = "TEXT", DefaultValueFactory = _ => "" };
    private static readonly Option<int[]?> Tokens = TokenList.Option("Token ids instead of a text; token ids come out.");
    private static readonly Option<int?> MaxTokens = Symbols.AtLeast(1, new Option<int?>("--max-tokens", "-n") { Description = "Most tokens to generate. [default: until the model ends, or its context]", HelpName = "N" });
    private static readonly Option<float> Temperature = Symbols.Within(0, float.MaxValue, new Option<float>("--temperature") { Description = "0: always the most likely token.", HelpName = "T", DefaultValueFactory = _ => 1 });
    private static readonly Option<int> TopK = Symbols.AtLeast(0, new Option<int>("--top-k") { Description = "Draws from the K most likely tokens; 0: from all.", HelpName = "K" });
    private static readonly Option<float> TopP = Symbols.Within(float.Epsilon, 1, new Option<float>("--top-p") { Description = "Draws from the fewest tokens that together have this probability.", HelpName = "P", DefaultValueFactory = _ => 1 });
    private static readonly Option<float> MinP = Symbols.Within(0, 1, new Option<float>("--min-p") { Description = "Draws from tokens at least this many times as likely as the most likely one.", HelpName = "P" });
    private static readonly Option<ulong?> Seed = new("--seed") { Description = "The same seed gives the same text. [default: another every time]", HelpName = "S" };
    private static readonly Option<string[]> Stop = new("--stop") { Description = "Text that ends the generation; may be given several times.", HelpName = "TEXT" };
    private static readonly Option<bool> IgnoreEnd = new("--ignore-end") { Description = "Goes on behind the model's end tokens." };
    private static readonly Option<int?> Threads = Symbols.Threads();
    private static readonly Option<string> Weights = Symbols.Weights();
    private static readonly Option<string?> Isa = Symbols.Isa();
    private static readonly Option<bool> Json = Symbols.Json();

    public static Command Create()
    {
        Command command = new("run", "Writes text behind a prompt.")
        {
            Directory, Prompt, Tokens, MaxTokens, Temperature, TopK, TopP, MinP, Seed, Stop, IgnoreEnd, Threads, Weights, Isa, Json,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        using CompiledModel model = Load(parsed, cancellation);
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
            TokenGeneration tokens = model.GenerateTokens(prompt, options, cancellation);
            IEnumerable<string> ids = tokens.Select((token, index) => (index == 0 ? "" : " ") + token.ToString(CultureInfo.InvariantCulture));
            Write(parsed, ids, () => tokens.Result);
        }
        else
        {
            if (model.Tokenizer is null)
            {
                throw new ModelException(Catalogue.UnreadableFile.Create(
                    new SourceSpan(Path.Combine(parsed.GetRequiredValue(Directory), "tokenizer.json")),
                    "tokenizer", "no such file", "the tokenizer.json that was published with the model", "Put it there, or give --tokens instead of --prompt."));
            }

            TextGeneration text = model.Generate(parsed.GetRequiredValue(Prompt), options, cancellation);
            Write(parsed, text, () => text.Result);
        }

        return ExitCode.Success;
    }

    private static CompiledModel Load(ParseResult parsed, CancellationToken cancellation)
    {
        using ProgressLine progress = new();
        return new ModelHost(parsed.GetRequiredValue(Directory), parsed.GetRequiredValue(Weights), progress.Begin, cancellation)
            .Load(Symbols.LoadOptions(parsed.GetValue(Threads), parsed.GetValue(Isa)));
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
                seed = ended.Seed,
                promptTokensPerSecond = ended.PromptTokensPerSecond,
                tokensPerSecond = ended.TokensPerSecond,
            },
            Output.Json));
    }
}
