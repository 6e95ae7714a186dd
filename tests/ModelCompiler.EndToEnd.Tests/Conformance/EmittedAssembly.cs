using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using ModelCompiler.Compiler;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>Emitted C# compiled in memory, as a build would compile it.</summary>
internal static class EmittedAssembly
{
    private static readonly MetadataReference[] references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) is { } name
                && (name.StartsWith("System.", StringComparison.Ordinal) || name is "netstandard.dll" or "ModelCompiler.Runtime.dll"))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>The bytes of the assembly. Fails the test when the code does not compile without a warning.</summary>
    /// <param name="name">The assembly's.</param>
    /// <param name="files">Emitted.</param>
    /// <param name="kind">Library or program.</param>
    /// <param name="checkOverflow">As in a project that sets CheckForOverflowUnderflow: pointers are checked, too.</param>
    public static byte[] Compile(string name, IEnumerable<GeneratedFile> files, OutputKind kind = OutputKind.DynamicallyLinkedLibrary, bool checkOverflow = false)
    {
        CSharpCompilation compilation = CSharpCompilation.Create(
            name, files.Select(file => CSharpSyntaxTree.ParseText(file.Text, path: file.HintName)), references,
            new CSharpCompilationOptions(
                kind, optimizationLevel: OptimizationLevel.Release, checkOverflow: checkOverflow, allowUnsafe: true, deterministic: true, nullableContextOptions: NullableContextOptions.Enable));
        using MemoryStream bytes = new();
        EmitResult result = compilation.Emit(bytes);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Take(10)));
        Assert.DoesNotContain(result.Diagnostics, diagnostic => diagnostic.Severity == DiagnosticSeverity.Warning);
        return bytes.ToArray();
    }

    /// <summary>The Load method of an emitted class.</summary>
    public static Func<Runtime.LoadOptions, Runtime.CompiledModel> Loader(byte[] assembly, string className)
    {
        MethodInfo? load = Assembly.Load(assembly).GetType(className, throwOnError: true)!.GetMethod("Load", [typeof(Runtime.LoadOptions)]);
        return load!.CreateDelegate<Func<Runtime.LoadOptions, Runtime.CompiledModel>>();
    }
}
