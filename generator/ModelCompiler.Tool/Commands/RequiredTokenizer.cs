using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Tool.Commands;

/// <summary>The tokenizer, for commands that read text.</summary>
internal static class RequiredTokenizer
{
    private const string FileName = "tokenizer.json";

    /// <summary>Needs no compiled model, so that none is made for nothing. What is wrong with a folder that is no model's is told by who opens it.</summary>
    /// <exception cref="ModelException">The model was published without one.</exception>
    public static void Require(string directory, string advice = "Put it there.")
    {
        if (File.Exists(Path.Combine(directory, "config.json")) && !Path.Exists(Path.Combine(directory, FileName)))
        {
            throw new ModelException(Catalogue.UnreadableFile.Create(
                new SourceSpan(Path.Combine(directory, FileName)), "tokenizer", "no such file", $"the {FileName} that was published with the model", advice));
        }
    }
}
