using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Training steps of whole models of every family: against double precision, and against themselves, bit for bit.</summary>
public class WholeGradientTests(EmittedTrainings models, ITestOutputHelper output)
{
    private const string Odd = "window21-group3-biased";

    /// <summary>What no published family has together: a window that is no multiple of anything, three queries to a key, biases, a tied table, a head of 20.</summary>
    private const string OddConfig = """
        {
          "model_type": "qwen2", "hidden_size": 60, "intermediate_size": 92, "num_hidden_layers": 2, "num_attention_heads": 3, "num_key_value_heads": 1, "vocab_size": 101,
          "max_position_embeddings": 256, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "hidden_act": "gelu_pytorch_tanh",
          "sliding_window": 21, "use_sliding_window": true, "max_window_layers": 1, "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": 2
        }
        """;

    public static TheoryData<string> Names => [.. EmittedTrainings.Names];

    /// <summary>
    /// Each parameter's gradient: |emitted − reference| / |reference| over all its numbers. Float32 leaves about 1e-6 of it. Sequences of more than
    /// two blocks of 64 positions.
    /// </summary>
    [Theory]
    [MemberData(nameof(Names))]
    [InlineData(Odd)]
    public void GradientsMeetTheReference(string name)
    {
        EmittedTraining model = name == Odd ? new(name, OddConfig) : models.Get(name);
        TrainingBatch batch = model.Batch(2, 133);
        (double[] losses, Dictionary<string, double[]> expected) = model.Reference(batch);
        (double loss, Dictionary<string, float[]> gradients) = model.Step(batch, Engines.Best);
        double largest = 0;
        string where = "";
        foreach ((string tensor, double[] reference) in expected)
        {
            double difference = Math.Sqrt(reference.Zip(gradients[tensor], (e, g) => (e - g) * (e - g)).Sum() / reference.Sum(e => e * e));
            Assert.True(difference < 1e-4, $"{tensor}: {difference:E2}");
            (largest, where) = difference > largest ? (difference, tensor) : (largest, where);
        }

        double lossDifference = Math.Abs(loss - losses.Sum()) / losses.Sum();
        output.WriteLine($"{name}: largest difference {largest:E2} in {where}, of the losses {lossDifference:E2}");
        Assert.InRange(lossDifference, 0, 1e-6);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void BitsDependOnNothingElse(string name)
    {
        EmittedTraining model = models.Get(name);
        TrainingBatch batch = model.Batch(3, 70);
        (double expectedLoss, Dictionary<string, float[]> expected) = model.Step(batch, Engines.Best);
        foreach (InstructionSet instructionSet in Engines.Supported)
        {
            foreach (int threads in new[] { 1, 2, 3 })
            {
                (double loss, Dictionary<string, float[]> gradients) = model.Step(batch, instructionSet, threads);
                Assert.Equal(expectedLoss, loss);
                AssertEqual(expected, gradients, $"{instructionSet}, {threads} threads");
            }
        }
    }

    /// <summary>Sums over tokens continue from batch to batch. A tied table is the exception: head and embedding take turns in adding to it.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void SmallBatchesAddUpToALargeOne(string name)
    {
        EmittedTraining model = models.Get(name);
        TrainingBatch whole = model.Batch(4, 33);
        (double expectedLoss, Dictionary<string, float[]> expected) = model.Step(whole, Engines.Best, threads: 2);
        using TrainableModel training = model.Load(Engines.Best, threads: 2);
        float scale = 1f / whole.CountTargets();
        double loss = training.ForwardBackward(model.Batch(1, 33), scale) + training.ForwardBackward(model.Batch(3, 33, firstSequence: 1), scale);
        Dictionary<string, float[]> gradients = EmittedTraining.Gradients(training);
        Assert.Equal(expectedLoss, loss, expectedLoss * 1e-14);
        foreach (string tied in expected.Keys.Where(tensor => expected.Keys.All(other => !other.StartsWith("lm_head")) && (tensor.Contains("embed_tokens") || tensor == "wte.weight")).ToList())
        {
            double difference = Math.Sqrt(expected[tied].Zip(gradients[tied], (e, g) => (double)(e - g) * (e - g)).Sum() / expected[tied].Sum(e => (double)e * e));
            Assert.InRange(difference, 0, 1e-6);
            expected.Remove(tied);
            gradients.Remove(tied);
        }

        AssertEqual(expected, gradients, "in two batches");
    }

    [Theory]
    [InlineData("llama-head20")]
    [InlineData("qwen3-head24")]
    [InlineData("gpt2-tied")]
    public void RecomputedLayersGiveTheSameBits(string name)
    {
        EmittedTraining kept = models.Get(name);
        EmittedTraining again = new(name, SyntheticConfigs.Small[name], (4L * kept.Plan.Scratch.ArenaFloatsPerRow) - 1);
        Assert.InRange(again.Plan.RecomputedLayers, 1, 2);
        TrainingBatch batch = kept.Batch(2, 37);
        (double expectedLoss, Dictionary<string, float[]> expected) = kept.Step(batch, Engines.Best, threads: 2);
        (double loss, Dictionary<string, float[]> gradients) = again.Step(batch, Engines.Best, threads: 2);
        output.WriteLine($"{name}: {again.Plan.Scratch.ArenaFloatsPerRow} floats for each row instead of {kept.Plan.Scratch.ArenaFloatsPerRow}");
        Assert.Equal(expectedLoss, loss);
        AssertEqual(expected, gradients, "recomputed");
    }

    [Theory]
    [InlineData("llama-untied")]
    [InlineData("gpt2-tied")]
    public void LossAloneIsThatOfAStep(string name)
    {
        EmittedTraining model = models.Get(name);
        TrainingBatch batch = model.Batch(2, 37);
        using TrainableModel training = model.Load(Engines.Best, threads: 2);
        double loss = training.Loss(batch);
        Assert.All(EmittedTraining.Gradients(training).Values, gradient => Assert.All(gradient, number => Assert.Equal(0, number)));
        Assert.Equal(training.ForwardBackward(batch, 1), loss);
        training.ClearGradients();
        Assert.All(EmittedTraining.Gradients(training).Values, gradient => Assert.All(gradient, number => Assert.Equal(0, number)));
    }

    private static void AssertEqual(Dictionary<string, float[]> expected, Dictionary<string, float[]> actual, string what)
    {
        foreach ((string tensor, float[] gradient) in expected)
        {
            Bits.AssertEqual(gradient, actual[tensor], $"{tensor}, {what}");
        }
    }
}
