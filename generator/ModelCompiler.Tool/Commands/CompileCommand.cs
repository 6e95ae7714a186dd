using System.CommandLine;
using Microsoft.CodeAnalysis.CSharp;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc compile</c>: what a build would make of a model, as files. The same bytes for the same model, every time.</summary>
internal static class CompileCommand
{
    public static Command Create()
    {
        Argument<string> directory = Symbols.Model();
        Option<string> weights = Symbols.Weights();
        Option<string> cache = Symbols.Cache();
        Option<string> output = Symbols.Output("Folder that receives the C#, the manifest and the packed weights.");
        Option<string> space = new("--namespace") { Description = "Namespace of the class. [default: the global one]", HelpName = "NAME", DefaultValueFactory = _ => "" };
        Option<string?> className = new("--class") { Description = "Name of the class. [default: from the folder's name]", HelpName = "NAME" };
        space.Validators.Add(result =>
        {
            if (result.GetValue(space) is { Length: > 0 } text && !text.Split('.').All(IsIdentifier))
            {
                result.AddError($"--namespace: found '{text}', expected C# identifiers with dots between them.");
            }
        });
        className.Validators.Add(result =>
        {
            if (result.GetValue(className) is { } text && !IsIdentifier(text))
            {
                result.AddError($"--class: found '{text}', expected a C# identifier.");
            }
        });

        Command command = new("compile", "Writes the C#, the manifest and the packed weights of a model.") { directory, weights, cache, output, space, className };
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string folder = Symbols.OutputFolder(parsed.GetRequiredValue(output));
                using PlannedModel model = PlannedModel.Open(parsed.GetRequiredValue(directory), name: null, new(parsed.GetRequiredValue(weights), parsed.GetRequiredValue(cache)));
                Faults.Print(model.Warnings);
                using ProgressLine progress = new();
                ModelManifest manifest = model.Pack(folder, resource: null, training: false, progress.Begin("packing", model.Plan.Weights.LengthBytes), cancellation);
                string name = parsed.GetValue(className) ?? ClassName(model.Plan.Name);
                EquatableArray<GeneratedFile> files = model.Emit(manifest, parsed.GetRequiredValue(space), name, "public sealed", targets: default, cancellation);
                foreach (GeneratedFile file in files)
                {
                    WholeFile.Write(Path.Combine(folder, file.HintName), file.Text);
                }

                progress.Dispose();
                Console.WriteLine($"Wrote {files.Count} C# files of {name}, {manifest.WeightsFile} ({manifest.Weights}, {Output.Bytes(model.Plan.Weights.LengthBytes)}) and its manifest to {folder}");
                return ExitCode.Success;
            },
            CancellationToken.None));
        return command;
    }

    /// <summary>stories260K becomes Stories260KModel, gpt-nano-sort GptNanoSortModel.</summary>
    internal static string ClassName(string modelName)
    {
        IEnumerable<string> words = modelName.Split(['-', '_', '.'], StringSplitOptions.RemoveEmptyEntries)
            .Select(word => char.ToUpperInvariant(word[0]) + word[1..]);
        string name = string.Concat(words) + "Model";
        return char.IsAsciiDigit(name[0]) ? "Model" + name : name;
    }

    private static bool IsIdentifier(string text) => SyntaxFacts.IsValidIdentifier(text) && SyntaxFacts.GetKeywordKind(text) == SyntaxKind.None;
}
