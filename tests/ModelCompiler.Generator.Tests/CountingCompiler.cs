using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Generator.Tests;

/// <summary>Stands in for the core: writes one small file, finds what the config asks it to find, and counts.</summary>
internal sealed class CountingCompiler : IModelCompiler
{
    private static readonly DiagnosticRule Rule = new("MC999", DiagnosticSeverity.Error, "Asked for by a test");

    public int Calls { get; private set; }

    public ModelRequest? Last { get; private set; }

    public ModelOutcome Compile(ModelRequest request, CancellationToken cancellation)
    {
        Calls++;
        Last = request;
        ModelTarget target = request.Target;
        if (request.Sources.Config.Text.Contains("broken"))
        {
            ModelDiagnostic diagnostic = new(Rule, new SourceSpan(request.Sources.Config.Path, 2, 3), "found 'broken'");
            return new(target.HintPrefix, EquatableArray<GeneratedFile>.Empty, new([Finding.Of(diagnostic, request.Sources)]));
        }

        string space = target.Namespace.Length == 0 ? "" : $"namespace {target.Namespace};\n";
        string text = $"{space}{target.Modifiers} partial class {target.ClassName} {{ public const string Config = \"{request.Sources.Config.Text.Length}\"; }}\n";
        return new(target.HintPrefix, new([new GeneratedFile("Model.g.cs", text)]), EquatableArray<Finding>.Empty);
    }
}
