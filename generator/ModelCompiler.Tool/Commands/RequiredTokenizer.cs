using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Tool.Commands;

/// <summary>The tokenizer, for commands that read text.</summary>
internal static class RequiredTokenizer
{
    /// <exception cref="ModelException">The model was published without one.</exception>
    public static Tokenizer Of(CompiledModel model, string directory, string advice = "Put it there.")
        => model.Tokenizer ?? throw new ModelException(Catalogue.UnreadableFile.Create(
            new SourceSpan(Path.Combine(directory, "tokenizer.json")), "tokenizer", "no such file", "the tokenizer.json that was published with the model", advice));
}
