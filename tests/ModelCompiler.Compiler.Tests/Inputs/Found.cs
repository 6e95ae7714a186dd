using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Tests.Inputs;

/// <summary>What every diagnostic must be.</summary>
internal static class Found
{
    /// <summary>Exactly one error, of that rule, at that place, that tells what was found, expected, and what to do, on one line.</summary>
    public static ModelDiagnostic Single(IReadOnlyList<ModelDiagnostic> diagnostics, string id, int line, int column, string mention = "")
    {
        ModelDiagnostic diagnostic = Assert.Single(diagnostics);
        Assert.Equal((id, line, column), (diagnostic.Rule.Id, diagnostic.Where.Line, diagnostic.Where.Column));
        Assert.NotEqual("", diagnostic.Where.File);
        Assert.Matches(@"^[^\x00-\x1F\u2028\u2029]+: found .+, expected .+\. [A-Z].+$", diagnostic.Message);
        Assert.Contains(mention, diagnostic.Message);
        return diagnostic;
    }
}
