using System.CommandLine;
using LookInside.Html;
using LookInside.Observation;
using LookInside.Terminal;
using ModelCompiler.Compiler;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Tool.Commands;
using ModelCompiler.Tool.Hosting;

namespace LookInside;

/// <summary>The command line: texts in, a report in the terminal and a page out.</summary>
internal static class LookCommand
{
    /// <summary>Numbers on a page that a browser opens at once: about 3 MB.</summary>
    private const long MostNumbers = 1_000_000;

    private static readonly Argument<string[]> Texts = new("text")
    {
        Description = "One or several texts. Tokens that stand in two of them are followed through the layers.",
        Arity = ArgumentArity.ZeroOrMore,
        DefaultValueFactory = _ => ["我喜欢黄金首饰", "这是一个变形金刚"],
    };

    private static readonly Option<string> Page = new("--html") { Description = "Where the page is written.", HelpName = "FILE", DefaultValueFactory = _ => "look-inside.html" };
    private static readonly Option<string?> Model = new("--model") { Description = "Folder of another model: config.json, *.safetensors, tokenizer.json. [default: the model of samples/HelloModel]", HelpName = "DIR" };
    private static readonly Option<string> Weights = Symbols.Weights();
    private static readonly Option<bool> Large = new("--large") { Description = "Writes a page of any size: beyond some hundred tokens it has many megabytes." };

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(string[] args)
    {
        RootCommand command = new("Shows what happens in a model while it reads: vectors, attention, and what each layer would say next.") { Texts, Page, Model, Weights, Large };
        command.Validators.Add(result =>
        {
            if (result.GetResult(Weights) is { Implicit: false } && result.GetResult(Model) is not { Implicit: false })
            {
                result.AddError("--weights: found without --model, expected with it: the sample's own model is packed already.");
            }
        });
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        return Invocation.RunAsync(command, args);
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        using CompiledModel model = Load(parsed, cancellation);
        if (model.Tokenizer is not { } tokenizer)
        {
            throw new ArgumentException("The model has no tokenizer, so that it cannot read a text. Put tokenizer.json into its folder.");
        }

        Look look = new Observer(model, tokenizer).Observe(parsed.GetRequiredValue(Texts), parsed.GetValue(Large) ? long.MaxValue : MostNumbers, cancellation);
        string page = Path.GetFullPath(parsed.GetRequiredValue(Page));
        WholeFile.Write(page, HtmlPage.Write(look), followLinks: true);
        new TerminalReport(look).Write();
        Console.WriteLine($"The same and more as a page: {page}");
        return 0;
    }

    private static CompiledModel Load(ParseResult parsed, CancellationToken cancellation)
        => parsed.GetValue(Model) is { } folder
            ? new ModelHost(folder, new PlanOptions(parsed.GetRequiredValue(Weights), Features: ModelFeatures.Trace), (what, _) => Told(what), cancellation).Load(new LoadOptions()).Model
            : InsideModel.Load();

    private static Progress<long> Told(string what)
    {
        Console.Error.WriteLine($"{what} …");
        return new Progress<long>();
    }
}
