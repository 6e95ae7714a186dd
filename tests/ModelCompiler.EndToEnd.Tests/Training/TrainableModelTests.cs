using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>What a training class takes, gives back and refuses.</summary>
public class TrainableModelTests(EmittedTrainings models)
{
    [Theory]
    [InlineData("llama-head20")]
    [InlineData("llama-biased")]
    [InlineData("gpt2-untied")]
    public void TensorsAreReadBackAsTheyWereWritten(string name)
    {
        EmittedTraining model = models.Get(name);
        using TrainableModel training = model.Load(Engines.Best);
        foreach (TrainingTensor tensor in training.Description.Tensors)
        {
            float[] read = new float[tensor.Length];
            training.ReadTensor(tensor.Name, read);
            Bits.AssertEqual(model[tensor.Name], read, tensor.Name);
        }

        Assert.Equal(training.Description.Tensors.Sum(tensor => tensor.Length), training.ParameterCount);
    }

    [Fact]
    public void UnknownTensorsAndWrongLengthsAreNamed()
    {
        using TrainableModel training = models.Get("llama-untied").Load(Engines.Best);
        Assert.Contains("'lm_head.bias'", Assert.Throws<ArgumentException>(() => training.ReadTensor("lm_head.bias", new float[1])).Message);
        string message = Assert.Throws<ArgumentException>(() => training.WriteTensor("model.norm.weight", new float[3])).Message;
        Assert.Contains("model.norm.weight", message);
        Assert.Contains("found 3 numbers, expected 48", message);
    }

    [Fact]
    public void BatchesThatDoNotFitAreRefused()
    {
        EmittedTraining model = models.Get("llama-untied");
        using TrainableModel training = model.Load(Engines.Best);
        TrainingBatch batch = model.Batch(2, 5);
        batch.Tokens[7] = model.Vocab;
        Assert.Contains("Sequence 1, position 2: found the token 130, expected 0 … 129", Assert.Throws<ArgumentException>(() => training.ForwardBackward(batch, 1)).Message);
        batch.Tokens[7] = 0;
        batch.Targets[1] = -2;
        Assert.Contains("Sequence 0, position 1: found the target -2", Assert.Throws<ArgumentException>(() => training.ForwardBackward(batch, 1)).Message);
        Assert.Contains("sequences of 300 tokens, expected at most 256", Assert.Throws<ArgumentException>(() => training.Loss(new TrainingBatch(1, 300))).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => training.ForwardBackward(model.Batch(1, 5), float.NaN));
    }

    [Fact]
    public void ALossThatIsNotANumberIsToldWithItsPlace()
    {
        EmittedTraining model = models.Get("llama-untied");
        using TrainableModel training = model.Load(Engines.Best, threads: 2);
        TrainingBatch batch = model.Batch(2, 20);
        training.ForwardBackward(batch, 1);
        float[] norm = [.. model["model.norm.weight"]];
        norm[5] = float.NaN;
        training.WriteTensor("model.norm.weight", norm);
        NotFiniteLossException failure = Assert.Throws<NotFiniteLossException>(() => training.ForwardBackward(batch, 1));
        Assert.Contains("Sequence 0, position 0: found the loss NaN", failure.Message);
        float[] gradient = new float[norm.Length];
        training.ReadGradient("model.norm.weight", gradient);
        Assert.All(gradient, number => Assert.Equal(0, number));

        training.WriteTensor("model.norm.weight", model["model.norm.weight"]);
        Assert.True(double.IsFinite(training.Loss(batch)));
    }

    [Fact]
    public void ABatchWithoutTargetsAddsNothing()
    {
        EmittedTraining model = models.Get("gpt2-tied");
        using TrainableModel training = model.Load(Engines.Best);
        TrainingBatch batch = model.Batch(1, 9);
        batch.Targets.Fill(TrainingBatch.NoTarget);
        Assert.Equal(0, training.ForwardBackward(batch, 1));
        Assert.All(EmittedTraining.Gradients(training).Values, gradient => Assert.All(gradient, number => Assert.Equal(0, number)));
    }
}
