using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Training;

namespace ModelCompiler.TorchCompare;

/// <summary>Training with the code that ModelCompiler emits.</summary>
internal sealed class EmittedEngine : ITrainingEngine
{
    private readonly TrainableModel model;
    private readonly AdamW optimizer;
    private readonly Dictionary<string, int> lengths = [];

    public EmittedEngine(string folder, int threads, TrainingPlanOptions? planning = null)
    {
        using ModelFolder published = ModelFolder.Open(folder);
        model = TrainingHost.Load(published.Inputs, planning ?? new(), new TrainingLoadOptions { Threads = threads });
        foreach (TensorInfo tensor in published.Inputs.Tensors)
        {
            TensorRows.Copy(published, tensor, model);
            lengths.Add(tensor.Name, tensor.Shape.Aggregate((product, size) => product * size));
        }

        optimizer = new AdamW(model, new AdamWOptions
        {
            Beta1 = Settings.Beta1, Beta2 = Settings.Beta2, Epsilon = Settings.Epsilon, WeightDecay = Settings.WeightDecay, ClipNorm = Settings.ClipNorm,
        });
    }

    public double Step(Batch batch)
    {
        TrainingBatch tokens = new(batch.Sequences, batch.Length);
        batch.Tokens.CopyTo(tokens.Tokens);
        batch.Targets.CopyTo(tokens.Targets);
        double loss = model.ForwardBackward(tokens, 1f / batch.Tokens.Length);
        optimizer.Step(Settings.LearningRate);
        return loss / batch.Tokens.Length;
    }

    public float[] Read(string parameter)
    {
        float[] numbers = new float[lengths[parameter]];
        model.ReadTensor(parameter, numbers);
        return numbers;
    }

    public void Dispose()
    {
        optimizer.Dispose();
        model.Dispose();
    }
}
