using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ModelCompiler.Compare;
using ModelCompiler.Compare.Processes;

namespace ModelCompiler.BuildCost;

/// <summary>What the C# compiler needed, in a process of its own.</summary>
/// <param name="Seconds">From its start to its end.</param>
/// <param name="PeakBytes">The most memory that it had.</param>
/// <param name="GeneratorSeconds">Of it the generator, as the compiler itself reports it; 0 where none ran.</param>
internal sealed record CompilerCost(double Seconds, long PeakBytes, double GeneratorSeconds);

/// <summary>The SDK's csc as a build of Release runs it, without a compiler server that would be warm already.</summary>
internal static partial class CompilerStage
{
    private static readonly TimeSpan watch = TimeSpan.FromMilliseconds(20);

    /// <summary>Over the emitted files, as if a person had written them.</summary>
    public static CompilerCost OverEmittedFiles(string folder, CancellationToken cancellation)
        => Run(folder, Directory.GetFiles(Path.Combine(folder, CoreStage.Emitted)), cancellation);

    /// <summary>Over the class alone, with the generator: what a build does.</summary>
    public static CompilerCost WithGenerator(string folder, CancellationToken cancellation)
    {
        string program = Path.Combine(folder, "Model.cs"), options = Path.Combine(folder, "model.globalconfig");
        (string Role, string Path)[] files = [("config", Path.Combine(folder, "config.json")), ("manifest", Path.Combine(folder, "model.manifest.json"))];
        File.WriteAllText(program, """
            namespace Emitted;
            [ModelCompiler.CompiledModel("model")] public sealed partial class Model;
            """);
        File.WriteAllText(options, "is_global = true\n" + string.Concat(files.Select(file => $"""
            [{file.Path}]
            build_metadata.AdditionalFiles.ModelCompilerRole = {file.Role}
            build_metadata.AdditionalFiles.ModelCompilerName = model

            """)));
        string generator = Built("Generator");
        return Run(
            folder,
            [
                program, "/reportanalyzer", $"/analyzerconfig:{options}",
                $"/analyzer:{Path.Combine(generator, "ModelCompiler.Generator.dll")}", $"/analyzer:{Path.Combine(generator, "ModelCompiler.Compiler.dll")}",
                .. files.Select(file => $"/additionalfile:{file.Path}"),
            ],
            cancellation);
    }

    private static CompilerCost Run(string folder, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        string response = Path.Combine(folder, "csc.rsp");
        string[] all =
        [
            "/nologo", "/noconfig", "/target:library", "/optimize+", "/debug:portable", "/unsafe+", "/deterministic+", "/nullable:enable", "/langversion:latest",
            $"/out:{Path.Combine(folder, "Model.dll")}", .. References().Select(path => $"/reference:{path}"), .. arguments,
        ];
        File.WriteAllLines(response, all.Select(argument => $"\"{argument}\""));
        long begun = Stopwatch.GetTimestamp();
        FinishedProgram finished = new ChildProgram("dotnet", [Built("CSharpCompiler"), "/noconfig", "@" + response]).Run(watch, cancellation).Expect();
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        Match generator = GeneratorTime().Match(finished.Output);
        return new(seconds, finished.PeakResidentBytes, generator.Success ? double.Parse(generator.Groups[1].Value, CultureInfo.InvariantCulture) : 0);
    }

    /// <summary>What this program itself runs on: the framework and the runtime of compiled models.</summary>
    private static IEnumerable<string> References()
        => ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is { } name && (name.StartsWith("System.", StringComparison.Ordinal) || name is "netstandard.dll" or "ModelCompiler.Runtime.dll"));

    private static string Built(string name)
    {
        string path = Assembly.GetExecutingAssembly().GetCustomAttributes<AssemblyMetadataAttribute>().First(metadata => metadata.Key == name).Value!;
        return Path.Exists(path) ? path : throw new CompareException($"{path}: not found; expected what this program was built beside. Build it again.");
    }

    [GeneratedRegex(@"Total generator execution time: ([0-9.]+) seconds")]
    private static partial Regex GeneratorTime();
}
