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
        if (!Path.Exists(path))
        {
            return [];
        }

        string configPath = Path.Combine(directory, TokenizerReader.ConfigName);
        string? config = Path.Exists(configPath) ? ModelText.Read(configPath, Advice).Text : null;
        return Pack(path, ModelText.Read(path, Advice).Text, config, vocab);
    }

    /// <summary>Packs the texts of a tokenizer's files.</summary>
    /// <param name="path">Where tokenizer.json lies, for what is wrong with it.</param>
    /// <param name="json">Its text.</param>
    /// <param name="config">That of tokenizer_config.json, or null.</param>
    /// <param name="vocab">Rows of the model; 0: as many as the tokenizer has.</param>
    /// <exception cref="ModelException">The tokenizer is broken, or asks for something that is not supported.</exception>
    public static byte[] Pack(string path, string json, string? config, int vocab)
    {
        try
        {
            return TokenizerPacker.Pack(json, config, vocab);
        }
        catch (TokenizerFileException fault)
        {
            string file = fault.InConfig ? Path.Combine(Path.GetDirectoryName(path) ?? "", TokenizerReader.ConfigName) : path;
            throw new ModelException(new ModelDiagnostic(Catalogue.UnusableTokenizer, new SourceSpan(file, fault.Line, fault.Line > 0 ? 1 : 0), fault.Message));
        }
    }
}
