using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace ModelCompiler.Generator.Tests;

/// <summary>A project in memory with the generator on it: edited step by step, as in an editor.</summary>
internal sealed class GeneratorRun
{
    private static readonly ImmutableArray<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path).StartsWith("System.", StringComparison.Ordinal) || Path.GetFileName(path) == "netstandard.dll")
            .Select(path => MetadataReference.CreateFromFile(path)),
        MetadataReference.CreateFromFile(typeof(CompiledModelAttribute).Assembly.Location),
    ];

    private readonly CSharpParseOptions parse;
    private GeneratorDriver driver;

    public GeneratorRun(IModelCompiler compiler, IEnumerable<ModelText> files, params string[] sources)
        : this(compiler, files, LanguageVersion.Latest, sources)
    {
    }

    public GeneratorRun(IModelCompiler compiler, IEnumerable<ModelText> files, LanguageVersion language, params string[] sources)
    {
        parse = new(language);
        ImmutableArray<ModelText> texts = [.. files];
        Compilation = CSharpCompilation.Create(
            "App",
            sources.Select((source, index) => Parse(source, index)),
            References,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        driver = CSharpGeneratorDriver.Create(
            [new CompiledModelGenerator(compiler).AsSourceGenerator()],
            texts,
            parse,
            new ModelOptions(texts),
            new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
        Run();
    }

    public CSharpCompilation Compilation { get; private set; }

    public Compilation Output { get; private set; } = null!;

    public GeneratorRunResult Result { get; private set; }

    /// <summary>Everything that the generator and the compiler have to say.</summary>
    public IEnumerable<Diagnostic> Diagnostics
        => Result.Diagnostics.Concat(Output.GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));

    public void Edit(int file, string source)
    {
        SyntaxTree old = Compilation.SyntaxTrees[file];
        Compilation = Compilation.ReplaceSyntaxTree(old, Parse(source, file));
        Run();
    }

    public void Replace(ModelText old, ModelText replacement)
    {
        driver = driver.ReplaceAdditionalText(old, replacement);
        Run();
    }

    /// <summary>Why each output of a step came about in the last run.</summary>
    public IReadOnlyList<IncrementalStepRunReason> Reasons(string step)
        => [.. Result.TrackedSteps.GetValueOrDefault(step, []).SelectMany(run => run.Outputs).Select(output => output.Reason)];

    private SyntaxTree Parse(string source, int index) => CSharpSyntaxTree.ParseText(source, parse, path: $"File{index}.cs");

    private void Run()
    {
        driver = driver.RunGeneratorsAndUpdateCompilation(Compilation, out Compilation output, out _);
        Output = output;
        Result = driver.GetRunResult().Results.Single();
    }
}

/// <summary>An additional file with the metadata that the build's targets give it.</summary>
internal sealed class ModelText(string path, string content, string role = "", string name = "") : AdditionalText
{
    public override string Path => path;

    public string Role => role;

    public string Name => name;

    public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(content);

    public ModelText With(string changed) => new(path, changed, role, name);

    /// <summary>The two files of a packed model.</summary>
    public static ModelText[] Model(string name, string config = "{}", string manifest = "{}") =>
    [
        new($"/models/{name}/config.json", config, "config", name),
        new($"/obj/{name}.manifest.json", manifest, "manifest", name),
    ];
}

/// <summary>Metadata by path, so that a replaced text keeps its own.</summary>
internal sealed class ModelOptions(IEnumerable<ModelText> texts) : AnalyzerConfigOptionsProvider
{
    private readonly Dictionary<string, ModelText> byPath = texts.ToDictionary(text => text.Path);

    public override AnalyzerConfigOptions GlobalOptions { get; } = new Values([]);

    public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => GlobalOptions;

    public override AnalyzerConfigOptions GetOptions(AdditionalText textFile)
        => byPath.TryGetValue(textFile.Path, out ModelText? text) && text.Role.Length > 0
            ? new Values(new()
            {
                ["build_metadata.AdditionalFiles.ModelCompilerRole"] = text.Role,
                ["build_metadata.AdditionalFiles.ModelCompilerName"] = text.Name,
            })
            : GlobalOptions;

    private sealed class Values(Dictionary<string, string> values) : AnalyzerConfigOptions
    {
        public override bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? value) => values.TryGetValue(key, out value);
    }
}
