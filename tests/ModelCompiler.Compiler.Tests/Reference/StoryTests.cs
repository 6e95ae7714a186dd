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
    private const int NewTokens = 60;

    [Fact]
    public void GreedyTextIsThatOfLlama2C()
    {
        string path = SharedData.Require("models/stories260K");
        using ModelFolder folder = ModelFolder.Open(path);
        List<ModelDiagnostic> diagnostics = [];
        ModelGraph? graph = ModelGraphBuilder.Build(folder.Inputs, diagnostics);
        Assert.Empty(diagnostics);
        ReferenceInterpreter interpreter = new(graph!, new PublishedParameters(folder));
        Vocabulary vocabulary = new(Path.Combine(path, "tokenizer.json"));

        List<int> tokens = [graph!.Dimensions.BeginToken, .. vocabulary.Encode("\u2581Once\u2581upon\u2581a\u2581time")];
        int prompt = tokens.Count;
        while (tokens.Count < prompt + NewTokens)
        {
            double[] last = interpreter.Run([.. tokens])[^graph.Dimensions.Vocab..];
            tokens.Add(Array.IndexOf(last, last.Max()));
        }

        string text = vocabulary.Decode(tokens.Skip(1));
        output.WriteLine(text);
        Assert.StartsWith(text.TrimStart(' '), File.ReadAllText(Path.Combine(path, "story.txt")), StringComparison.Ordinal);
    }

    /// <summary>Just enough of tokenizer.json: pieces, and merges applied lowest rank first.</summary>
    private sealed class Vocabulary
    {
        private readonly Dictionary<string, int> ids;
        private readonly Dictionary<int, string> pieces;
        private readonly List<(string Left, string Right)> merges;

        public Vocabulary(string path)
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            JsonElement model = document.RootElement.GetProperty("model");
            ids = model.GetProperty("vocab").EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetInt32());
            pieces = ids.ToDictionary(entry => entry.Value, entry => entry.Key);
            merges = [.. model.GetProperty("merges").EnumerateArray().Select(ReadMerge)];
        }

        public IEnumerable<int> Encode(string text)
        {
            List<string> parts = [.. text.Select(c => c.ToString())];
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
                text.Append(piece.StartsWith("<0x", StringComparison.Ordinal) ? ((char)Convert.ToInt32(piece[3..5], 16)).ToString() : piece.Replace('\u2581', ' '));
            }

            return text.ToString();
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
