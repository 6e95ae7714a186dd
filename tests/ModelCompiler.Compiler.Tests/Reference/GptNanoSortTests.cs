using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.Tests;
using ModelCompiler.Tool.Inputs;

namespace ModelCompiler.Compiler.Tests.Reference;

/// <summary>A trained GPT-2 with the intermediate results of its own PyTorch run: the oracle must meet each of them.</summary>
public class GptNanoSortTests(ITestOutputHelper output)
{
    private const string Folder = "models/gpt-nano-sort";
    private const double Tolerance = 1e-6;

    /// <summary>What the dump calls a value, and what the graph does. Values inside a block are those of block 0.</summary>
    private static readonly (string Stored, int Layer, string Name)[] Values =
    [
        ("tok_emb", -1, "tokenEmbedding"), ("x", -1, "embedded"),
        ("ln1", 0, "attentionInput"), ("y", 0, "attended"), ("yProj", 0, "attentionOutput"), ("attnResid", 0, "afterAttention"),
        ("ln2", 0, "feedForwardInput"), ("fc", 0, "up"), ("gelu", 0, "hidden"), ("mlp", 0, "feedForwardOutput"),
        ("block0", 0, "afterFeedForward"), ("block1", 1, "afterFeedForward"), ("block2", 2, "afterFeedForward"),
        ("ln_f", -1, "normed"), ("lm_head", -1, "logits"),
    ];

    private static readonly (string Stored, string Name)[] Heads = [("q", "query"), ("k", "key"), ("v", "values")];

    [Fact]
    public void EveryActivationMeetsTheStoredOne()
    {
        string folderPath = SharedData.Require(Folder);
        using ModelFolder folder = ModelFolder.Open(folderPath);
        ReferenceInterpreter interpreter = Open(folder);
        StoredTensors stored = new(Path.Combine(folderPath, "activations.safetensors"));
        int[] tokens = [.. stored["idx"].Select(token => (int)token)];
        int batch = stored.Shape("idx")[0];
        int length = stored.Shape("idx")[1];
        IReadOnlyDictionary<(int, string), double[]>[] runs =
            [.. Enumerable.Range(0, batch).Select(b => interpreter.RunAll(tokens.AsSpan(b * length, length)))];

        foreach ((string name, int layer, string value) in Values)
        {
            Compare(name, stored[name], [.. runs.SelectMany(run => run[(layer, value)])]);
        }

        foreach ((string name, string value) in Heads)
        {
            Compare(name, stored[name], [.. runs.SelectMany(run => HeadsFirst(run[(0, value)], length, heads: 3))]);
        }
    }

    [Fact]
    public void SortsAll729Inputs()
    {
        using ModelFolder folder = ModelFolder.Open(SharedData.Require(Folder));
        ReferenceInterpreter interpreter = Open(folder);
        for (int input = 0; input < 729; input++)
        {
            int[] digits = [.. Enumerable.Range(0, 6).Select(i => input / (int)Math.Pow(3, i) % 3)];
            List<int> tokens = [.. digits];
            for (int i = 0; i < 6; i++)
            {
                double[] logits = interpreter.Run([.. tokens]);
                double[] last = logits[^3..];
                tokens.Add(Array.IndexOf(last, last.Max()));
            }

            Assert.Equal(digits.Order(), tokens.Skip(6));
        }
    }

    private static ReferenceInterpreter Open(ModelFolder folder)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelGraph? graph = ModelGraphBuilder.Build(folder.Inputs, diagnostics);
        Assert.Empty(diagnostics);
        return new ReferenceInterpreter(graph!, new PublishedParameters(folder));
    }

    /// <summary>[positions × heads · headDim] as [heads × positions × headDim].</summary>
    private static IEnumerable<double> HeadsFirst(double[] x, int length, int heads)
    {
        int headDim = x.Length / length / heads;
        return from h in Enumerable.Range(0, heads)
               from t in Enumerable.Range(0, length)
               from i in Enumerable.Range(0, headDim)
               select x[(((t * heads) + h) * headDim) + i];
    }

    /// <summary>Largest difference, against the largest number of the tensor.</summary>
    private void Compare(string name, float[] expected, double[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double difference = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        double largest = expected.Max(Math.Abs);
        output.WriteLine($"{name,-10} largest {largest,9:g4}, largest difference {difference:e2}, relative {difference / largest:e2}");
        Assert.True(difference <= Tolerance * largest, $"{name}: {difference} of {largest}");
    }
}
