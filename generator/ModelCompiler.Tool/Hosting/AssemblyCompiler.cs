using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using ModelCompiler.Compiler;

namespace ModelCompiler.Tool.Hosting;

/// <summary>Compiles emitted C# to an assembly, as the build of a project would.</summary>
internal static class AssemblyCompiler
{
    /// <summary>Writes the assembly to <paramref name="path"/>.</summary>
    /// <exception cref="InvalidOperationException">The emitted code does not compile: a fault of the model compiler.</exception>
    public static void Compile(string assemblyName, IReadOnlyList<GeneratedFile> files, string path, CancellationToken cancellation)
    {
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write);
        Compile(assemblyName, files, stream, cancellation);
    }

    /// <summary>Writes the assembly to <paramref name="stream"/>.</summary>
    /// <exception cref="InvalidOperationException">The emitted code does not compile: a fault of the model compiler.</exception>
    public static void Compile(string assemblyName, IReadOnlyList<GeneratedFile> files, Stream stream, CancellationToken cancellation)
    {
        CSharpParseOptions parse = new(LanguageVersion.Latest);
        SyntaxTree[] trees = new SyntaxTree[files.Count];
        Parallel.For(0, files.Count, new ParallelOptions { CancellationToken = cancellation }, i =>
            trees[i] = CSharpSyntaxTree.ParseText(files[i].Text, parse, path: files[i].HintName, cancellationToken: cancellation));

        CSharpCompilation compilation = CSharpCompilation.Create(assemblyName, trees, References(), new CSharpCompilationOptions(
            OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true, deterministic: true));

        EmitResult result = compilation.Emit(stream, cancellationToken: cancellation);
        if (!result.Success)
        {
            Diagnostic first = result.Diagnostics.First(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);
            throw new InvalidOperationException($"the emitted code does not compile: {first}");
        }
    }

    /// <summary>What this program itself runs on: the framework and the runtime of compiled models.</summary>
    private static IEnumerable<MetadataReference> References()
        => ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is { } name
                && (name.StartsWith("System.", StringComparison.Ordinal) || name is "netstandard.dll" or "ModelCompiler.Runtime.dll"))
            .Select(path => MetadataReference.CreateFromFile(path));
}
