using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.Compiler.Reference.Training;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>The training class of a synthetic model, gone the whole way: declared, differentiated, planned, emitted, compiled. Its weights exist in memory only.</summary>
internal sealed class EmittedTraining : ITensorSource
{
    private const string ClassName = "Trainable";

    private readonly Dictionary<string, float[]> numbers = [];
    private readonly Func<TrainingLoadOptions, TrainableModel> create;

    public EmittedTraining(string name, string config, long? memoryBytes = null, int rows = 1)
    {
        List<TensorInfo> tensors = [];
        foreach (SyntheticTensor tensor in SyntheticTensors.Of(config))
        {
            SeededNoise noise = new(1, tensor.Name);
            float[] values = new float[tensor.Shape.Aggregate((a, b) => a * b)];
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = tensor.Centre + (tensor.Deviation * noise.Normal(i));
            }

            numbers.Add(tensor.Name, values);
            tensors.Add(new TensorInfo(tensor.Name, TensorType.F32, new([.. tensor.Shape]), "memory", 0, 4L * values.Length));
        }

        List<ModelDiagnostic> diagnostics = [];
        ModelInputs inputs = new(name, new ModelConfig(new TextFile("config.json", config)), new([.. tensors]));
        TrainingPlan? plan = ModelCompilation.PlanTraining(inputs, new TrainingPlanOptions(memoryBytes, rows), diagnostics);
        Assert.Empty(diagnostics);
        Plan = plan!;
        Files = ModelCompilation.EmitTraining(Plan, new TrainingEmitOptions("Emitted", null, ClassName, Targets: Engines.All.Select(set => Enum.Parse<TargetSet>(set.ToString())).ToEquatable()));
        Assembly = EmittedAssembly.Compile("Training_" + EmittedModel.IdentifierOf(name, memoryBytes.ToString()!), Files);
        create = System.Reflection.Assembly.Load(Assembly).GetType($"Emitted.{ClassName}", throwOnError: true)!
            .GetMethod("Create", [typeof(TrainingLoadOptions)])!.CreateDelegate<Func<TrainingLoadOptions, TrainableModel>>();
    }

    public TrainingPlan Plan { get; }

    public EquatableArray<GeneratedFile> Files { get; }

    public byte[] Assembly { get; }

    public int Vocab => Plan.Graph.Dimensions.Vocab;

    /// <summary>A published tensor.</summary>
    public float[] this[string tensor] => numbers[tensor];

    /// <summary>The model with its weights.</summary>
    public TrainableModel Load(InstructionSet instructionSet, int threads = 1)
    {
        TrainableModel model = create(new TrainingLoadOptions { InstructionSet = instructionSet, Threads = threads });
        foreach (KeyValuePair<string, float[]> tensor in numbers)
        {
            model.WriteTensor(tensor.Key, tensor.Value);
        }

        return model;
    }

    /// <summary>Random sequences, the same ones for everyone. Every seventh token has no target.</summary>
    public TrainingBatch Batch(int sequences, int length, int firstSequence = 0)
    {
        TrainingBatch batch = new(sequences, length);
        for (int s = 0; s < sequences; s++)
        {
            Random random = new(firstSequence + s);
            for (int i = 0; i < length; i++)
            {
                batch.Tokens[(s * length) + i] = random.Next(Vocab);
                batch.Targets[(s * length) + i] = i % 7 == 3 ? TrainingBatch.NoTarget : random.Next(Vocab);
            }
        }

        return batch;
    }

    /// <summary>The gradients of all tensors after one step, as they are published, and the sum of the losses.</summary>
    public (double Loss, Dictionary<string, float[]> Gradients) Step(TrainingBatch batch, InstructionSet instructionSet, int threads = 1)
    {
        using TrainableModel model = Load(instructionSet, threads);
        double loss = model.ForwardBackward(batch, 1f / batch.CountTargets());
        return (loss, Gradients(model));
    }

    public static Dictionary<string, float[]> Gradients(TrainableModel model)
    {
        Dictionary<string, float[]> gradients = [];
        foreach (TrainingTensor tensor in model.Description.Tensors)
        {
            gradients.Add(tensor.Name, new float[tensor.Length]);
            model.ReadGradient(tensor.Name, gradients[tensor.Name]);
        }

        return gradients;
    }

    /// <summary>The same step in double precision, as graph and weights say; gradients as they are published.</summary>
    public (double[] Losses, Dictionary<string, double[]> Gradients) Reference(TrainingBatch batch)
    {
        FormatChoice f32 = new(Compiler.Formats.F32Format.Instance, default);
        ModelGraph differentiated = PassList.Run([.. PassList.Training(TrainedParameters.All).Take(1)], Plan.Model.Graph, f32);
        TrainingSequence[] sequences = [.. Enumerable.Range(0, batch.Sequences).Select(s => new TrainingSequence(
            batch.Tokens.Slice(s * batch.Length, batch.Length).ToArray(), batch.Targets.Slice(s * batch.Length, batch.Length).ToArray()))];
        TrainingStep step = new TrainingReference(differentiated, new PublishedParameters(this)).Run(sequences, 1f / batch.CountTargets());
        Dictionary<string, double[]> published = numbers.ToDictionary(tensor => tensor.Key, tensor => new double[tensor.Value.Length]);
        foreach ((Parameter parameter, double[] gradient) in step.Gradients)
        {
            int outputs = parameter.Transposed ? parameter.Tensor.Shape[1] : 0;
            for (int r = 0; r < parameter.Rows; r++)
            {
                for (int c = 0; c < parameter.Columns; c++)
                {
                    int row = parameter.FirstRow + r;
                    published[parameter.Tensor.Name][parameter.Transposed ? (c * outputs) + row : (row * parameter.Columns) + c] = gradient[(r * parameter.Columns) + c];
                }
            }
        }

        return (step.Losses, published);
    }

    /// <inheritdoc/>
    public void Read(TensorInfo tensor, long first, Span<float> destination) => numbers[tensor.Name].AsSpan((int)first, destination.Length).CopyTo(destination);
}
