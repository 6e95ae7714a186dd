using System.Text;
using System.Text.Json;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Inputs;

namespace ModelCompiler.Compiler.Tests.Reference;

/// <summary>A trained Llama with grouped queries: the oracle writes the story that llama2.c writes.</summary>
public class StoryTests(ITestOutputHelper output)
{
    private const string Folder = "models/stories260K";
    private const string Prompt = "Once upon a time";
    private const int NewTokens = 40;

    [Fact]
    public void GreedyTextIsThatOfLlama2C()
    {
        using ModelFolder folder = ModelFolder.Open(SharedData.Require(Folder));
        ReferenceInterpreter interpreter = Open(folder);
        Vocabulary vocabulary = new(folder.DirectoryPath);
        List<int> tokens = [interpreter.Graph.Dimensions.BeginToken, .. vocabulary.Encode(Prompt)];
        for (int i = 0; i < NewTokens; i++)
        {
            tokens.Add(Best(interpreter.Run([.. tokens]).AsSpan()[^interpreter.Graph.Dimensions.Vocab..]));
        }

        string text = vocabulary.Decode(tokens.Skip(1));
        output.WriteLine(text);
        Assert.StartsWith(text, File.ReadAllText(Path.Combine(folder.DirectoryPath, "story.txt")), StringComparison.Ordinal);
    }

    /// <summary>The whole story at once: each token is the most probable one after those before it.</summary>
    [Fact]
    public void EveryTokenOfTheStoryIsTheMostProbable()
    {
        using ModelFolder folder = ModelFolder.Open(SharedData.Require(Folder));
        ReferenceInterpreter interpreter = Open(folder);
        Vocabulary vocabulary = new(folder.DirectoryPath);
        string story = File.ReadAllText(Path.Combine(folder.DirectoryPath, "story.txt")).TrimEnd('\n');
        int[] tokens = [interpreter.Graph.Dimensions.BeginToken, .. vocabulary.Encode(story)];
        int vocab = interpreter.Graph.Dimensions.Vocab;
        double[] logits = interpreter.Run(tokens);

        for (int t = vocabulary.Encode(Prompt).Count(); t < tokens.Length - 1; t++)
        {
            Assert.Equal(tokens[t + 1], Best(logits.AsSpan(t * vocab, vocab)));
        }

        output.WriteLine($"{tokens.Length} tokens");
        Assert.True(tokens.Length > 190);
    }

    private static ReferenceInterpreter Open(ModelFolder folder)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelGraph? graph = ModelGraphBuilder.Build(folder.Inputs, diagnostics);
        Assert.Empty(diagnostics);
        return new ReferenceInterpreter(graph!, new PublishedParameters(folder));
    }

    private static int Best(ReadOnlySpan<double> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        return best;
    }

    /// <summary>Just enough of tokenizer.json: pieces, and merges applied lowest rank first.</summary>
    private sealed class Vocabulary
    {
        private readonly Dictionary<string, int> ids;
        private readonly Dictionary<int, string> pieces;
        private readonly List<(string Left, string Right)> merges;

        public Vocabulary(string folder)
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "tokenizer.json")));
            JsonElement model = document.RootElement.GetProperty("model");
            ids = model.GetProperty("vocab").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt32());
            pieces = ids.ToDictionary(entry => entry.Value, entry => entry.Key);
            merges = [.. model.GetProperty("merges").EnumerateArray().Select(ReadMerge)];
        }

        public IEnumerable<int> Encode(string text)
        {
            string marked = "\u2581" + text.Replace(' ', '\u2581');
            List<string> parts = [.. marked.Select(c => ids.ContainsKey(c.ToString()) ? c.ToString() : $"<0x{(int)c:X2}>")];
            foreach ((string left, string right) in merges)
            {
                for (int i = 0; i + 1 < parts.Count; i++)
                {
                    if (parts[i] == left && parts[i + 1] == right)
                    {
                        parts[i] = left + right;
                        parts.RemoveAt(i + 1);
                    }
                }
            }

            return parts.Select(part => ids[part]);
        }

        public string Decode(IEnumerable<int> tokens)
        {
            StringBuilder text = new();
            foreach (int token in tokens)
            {
                string piece = pieces[token];
                bool isByte = piece.StartsWith("<0x", StringComparison.Ordinal);
                text.Append(isByte ? ((char)Convert.ToInt32(piece[3..5], 16)).ToString() : piece.Replace('\u2581', ' '));
            }

            return text.ToString().TrimStart(' ');
        }

        private static (string Left, string Right) ReadMerge(JsonElement merge)
        {
            string[] parts = merge.ValueKind == JsonValueKind.Array
                ? [.. merge.EnumerateArray().Select(part => part.GetString()!)]
                : merge.GetString()!.Split(' ');
            return (parts[0], parts[1]);
        }
    }
}
