using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ModelCompiler.Compare;
using ModelCompiler.Compare.Processes;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.BuildCost;

/// <summary>The command line: every shape, stage by stage, each in a process of its own; a Markdown table on standard output.</summary>
internal static class BuildCostCommand
{
    private static readonly Option<string[]> Only = new("--only") { Description = "Only this shape; may be given several times.", HelpName = "SHAPE" };
    private static readonly Option<string> Weights = new("--weights") { Description = "Format of the weights.", HelpName = "FORMAT", DefaultValueFactory = _ => "bf16" };
    private static readonly Argument<string> Name = new("SHAPE");
    private static readonly Argument<string> Folder = new("DIR");

    static BuildCostCommand()
    {
        Only.AcceptOnlyFromAmong([.. Shape.All.Select(shape => shape.Name)]);
    }

    /// <summary>Parses and runs; faults become a line on standard error.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        RootCommand command = new("Measures what a model costs a build: compiler core, generator and C# compiler, for models from 2 layers to GPT-3's config.") { Only, Weights };
        command.SetAction((parsed, cancellation) => Task.Run(() => Run(parsed, cancellation), CancellationToken.None));
        Command core = new("core", "One shape, in this process: what the other form starts.") { Name, Folder, Weights };
        core.Hidden = true;
        core.SetAction(parsed => CoreStage.Run(Shape.All.First(shape => shape.Name == parsed.GetValue(Name)), parsed.GetValue(Weights)!, parsed.GetValue(Folder)!));
        command.Subcommands.Add(core);
        try
        {
            return await command.Parse(arguments).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
        catch (Exception fault) when (fault is CompareException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"build-cost: error: {fault.Message}");
            return ExitCode.Fault;
        }
    }

    private static int Run(ParseResult parsed, CancellationToken cancellation)
    {
        string[] only = parsed.GetValue(Only) ?? [];
        Console.WriteLine("| shape | layers × dim | files | size, kB | largest, kB | core, s | MB | csc, s | MB | csc with generator, s | MB | of it the generator, s |");
        Console.WriteLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        foreach (Shape shape in Shape.All.Where(shape => only.Length == 0 || only.Contains(shape.Name)))
        {
            Console.Error.WriteLine($"{shape.Name} …");
            string folder = Directory.CreateTempSubdirectory("build-cost-").FullName;
            try
            {
                Console.WriteLine(Measure(shape, parsed.GetValue(Weights)!, folder, cancellation));
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        return ExitCode.Success;
    }

    private static string Measure(Shape shape, string weights, string folder, CancellationToken cancellation)
    {
        ChildProgram child = new("dotnet", [typeof(BuildCostCommand).Assembly.Location, "core", shape.Name, folder, "--weights", weights]);
        CoreCost core = JsonSerializer.Deserialize<CoreCost>(child.Run(TimeSpan.Zero, cancellation).Expect().Output)!;
        CompilerCost plain = CompilerStage.OverEmittedFiles(folder, cancellation);
        CompilerCost build = CompilerStage.WithGenerator(folder, cancellation);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {shape.Name} | {shape.Layers} × {shape.Dim:N0} | {core.Files} | {core.Bytes / 1e3:N0} | {core.LargestFileBytes / 1e3:N0} | {core.Seconds:F2} | {core.PeakBytes / 1e6:N0} | {plain.Seconds:F1} | {plain.PeakBytes / 1e6:N0} | {build.Seconds:F1} | {build.PeakBytes / 1e6:N0} | {build.GeneratorSeconds:F2} |");
    }
}
