using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// Finds settings that look misspelt. Published configs carry many settings that nothing here reads, so that an unknown one says nothing by itself; one whose name is almost
/// that of a setting that was looked for and is not there says much: without a word, the model would be built with that setting's default.
/// </summary>
internal static class MisspeltSettings
{
    /// <summary>One <c>MC008</c> for each.</summary>
    /// <param name="file">The config.</param>
    /// <param name="prefix">Of the object in it.</param>
    /// <param name="settings">The object.</param>
    /// <param name="asked">What was looked for in it.</param>
    /// <param name="diagnostics">Receives them.</param>
    public static void Report(string file, string prefix, JsonValue settings, IReadOnlyCollection<string> asked, ICollection<ModelDiagnostic> diagnostics)
    {
        string[] absent = [.. asked.Where(name => settings.Find(name) is null).OrderBy(name => name, StringComparer.Ordinal)];
        foreach (JsonMember member in settings.Members.Where(member => !asked.Contains(member.Name)))
        {
            if (Spelling.Nearest(member.Name, absent) is { } meant)
            {
                diagnostics.Report(
                    Catalogue.MisspeltSetting, new SourceSpan(file, member.Line, member.Column), prefix + DiagnosticReporting.Quote(member.Name).Trim('\''),
                    "a setting that nothing reads", $"perhaps {prefix}{meant}, which the config lacks, so that its default holds",
                    "Correct the name; where it is meant as it stands, suppress this warning.");
            }
        }
    }
}
