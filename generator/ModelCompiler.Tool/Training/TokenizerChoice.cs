using System.Text;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Tokenizers.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>The files of a tokenizer, as they will lie in the model's folder.</summary>
/// <param name="Json">tokenizer.json.</param>
/// <param name="Config">tokenizer_config.json, or null.</param>
/// <param name="Place">Where tokenizer.json was read; null: it was made from the text, its special token is number 0, and begins and ends a text.</param>
internal sealed record TokenizerChoice(string Json, string? Config, string? Place)
{
    /// <summary>Makes a tokenizer of one token for each character.</summary>
    public const string Characters = "char";

    /// <summary>Makes a tokenizer of byte-level pairs.</summary>
    public const string BytePairs = "bpe";

    /// <summary>Tokens of a made byte-pair tokenizer, unless it is said how many.</summary>
    public const int UsualVocabulary = 4096;

    private const string Advice = "Name a tokenizer.json, or the folder that has one, or char or bpe.";

    /// <summary>Made from the text.</summary>
    public bool IsMade => Place is null;

    /// <summary>Reads a tokenizer, or makes one from the text.</summary>
    /// <param name="named"><c>char</c>, <c>bpe</c>, a tokenizer.json, or a folder that has one.</param>
    /// <param name="documents">To make one from.</param>
    /// <param name="vocabulary">Most tokens of a byte-pair tokenizer.</param>
    /// <param name="contextLength">The model's, for tokenizer_config.json.</param>
    /// <param name="cancellation">Looked at while one is read or made.</param>
    public static TokenizerChoice Of(string named, IEnumerable<string> documents, int vocabulary, int contextLength, CancellationToken cancellation)
    {
        switch (named)
        {
            case Characters:
                IEnumerable<Rune> characters = documents.SelectMany(document => document.EnumerateRunes().ToArray()).Distinct().Order();
                return new(TokenizerJson.OfCharacters(characters.Select(character => character.ToString())), TokenizerJson.Config(contextLength), Place: null);
            case BytePairs:
                TextPieces pieces = new();
                foreach (string document in documents)
                {
                    cancellation.ThrowIfCancellationRequested();
                    pieces.Add(document);
                }

                return new(BytePairTrainer.Train(pieces, vocabulary, cancellation), TokenizerJson.Config(contextLength), Place: null);
            default:
                bool isFolder = Directory.Exists(named);
                string path = isFolder ? Path.Combine(named, "tokenizer.json") : named;
                string config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "tokenizer_config.json");
                TextFile json = isFolder ? ModelText.Read(path, Advice) : ModelText.ReadNamed(path, Advice, cancellation);
                return new(json.Text, File.Exists(config) ? ModelText.Read(config, Advice).Text : null, path);
        }
    }

    /// <summary>The tokenizer, ready to use.</summary>
    /// <param name="vocab">Rows of the model; 0: as many as the tokenizer has.</param>
    /// <exception cref="ModelException">It is broken, or not supported.</exception>
    public Runtime.Text.Tokenizer Open(int vocab) => new(TokenizerSource.Pack(Place ?? "the tokenizer that was made from the text", Json, Config, vocab));
}
