using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Tokenizers;

namespace ModelCompiler.Tool.Hosting;

/// <summary>The tokenizer of a model folder, packed.</summary>
internal static class TokenizerSource
{
    private const string Advice = "Download the file again, as it was published with the model.";

    /// <summary>Empty when the folder has no tokenizer.json: such a model works on token ids alone.</summary>
    /// <exception cref="ModelException">The tokenizer is broken, or asks for something that is not supported.</exception>
    public static byte[] Pack(string directory, int vocab)
    {
        string path = Path.Combine(directory, "tokenizer.json");
        if (!File.Exists(path))
        {
            return [];
        }

        string configPath = Path.Combine(directory, "tokenizer_config.json");
        string? config = File.Exists(configPath) ? ModelText.Read(configPath, Advice).Text : null;
        try
        {
            return TokenizerPacker.Pack(ModelText.Read(path, Advice).Text, config, vocab);
        }
        catch (TokenizerFileException fault)
        {
            throw new ModelException(new ModelDiagnostic(Catalogue.UnusableTokenizer, new SourceSpan(path, fault.Line, fault.Line > 0 ? 1 : 0), fault.Message));
        }
    }
}
