using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.Compiler.Reference.Training;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights;
using ModelCompiler.Tool.Packing;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>The training class of a synthetic model, gone the whole way: declared, differentiated, planned, emitted, compiled. Its weights exist in memory only.</summary>
internal sealed class EmittedTraining : ITensorSource, IDisposable
{
    private const string ClassName = "Trainable";

    private readonly Dictionary<string, float[]> numbers = [];
    private readonly Func<TrainingLoadOptions, TrainableModel> create;

    public EmittedTraining(string name, string config, long? memoryBytes = null, int rows = 1, AdapterOptions? adapters = null, string weights = "f32")
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
        Inputs = new(name, new ModelConfig(new TextFile("config.json", config)), new([.. tensors]));
        TrainingPlan? plan = ModelCompilation.PlanTraining(Inputs, new TrainingPlanOptions(memoryBytes, rows, adapters, weights), diagnostics);
        Assert.Empty(diagnostics);
        Plan = plan!;
        if (adapters is not null)
        {
            PackFrozen();
        }

        Files = Emit("Emitted", [.. Engines.All]);
        Assembly = EmittedAssembly.Compile("Training_" + EmittedModel.IdentifierOf(name, $"{memoryBytes}{weights}{string.Concat(adapters?.TargetModules ?? [])}"), Files);
        create = System.Reflection.Assembly.Load(Assembly).GetType($"Emitted.{ClassName}", throwOnError: true)!
            .GetMethod("Create", [typeof(TrainingLoadOptions)])!.CreateDelegate<Func<TrainingLoadOptions, TrainableModel>>();
    }

    public ModelInputs Inputs { get; }

    public TrainingPlan Plan { get; }

    public EquatableArray<GeneratedFile> Files { get; }

    public byte[] Assembly { get; }

    /// <summary>The packed weights that are frozen, where adapters are trained.</summary>
    public string? FrozenPath { get; private set; }

    /// <summary>Hash of their content.</summary>
    public string FrozenHash { get; private set; } = "";

    /// <summary>The C# in a namespace of its own, for other instruction sets.</summary>
    public EquatableArray<GeneratedFile> Emit(string space, params InstructionSet[] sets) => ModelCompilation.EmitTraining(Plan, new TrainingEmitOptions(
        space, null, ClassName, Weights: FrozenPath is null ? null : new("frozen.mcw", null, FrozenHash), Targets: sets.Select(set => Enum.Parse<TargetSet>(set.ToString())).ToEquatable()));

    public int Vocab => Plan.Graph.Dimensions.Vocab;

    /// <summary>A published tensor.</summary>
    public float[] this[string tensor] => numbers[tensor];

    /// <summary>The model with its weights.</summary>
    public TrainableModel Load(InstructionSet instructionSet, int threads = 1)
    {
        TrainableModel model = create(new TrainingLoadOptions { InstructionSet = instructionSet, Threads = threads, WeightsPath = FrozenPath });
        foreach (TrainingTensor tensor in model.Description.Tensors)
        {
            model.WriteTensor(tensor.Name, numbers[tensor.Name]);
        }

        return model;
    }

    /// <summary>All that is trained, tensor by tensor as published.</summary>
    public float[] Parameters()
    {
        using TrainableModel model = Load(Engines.Best);
        return [.. model.Description.Tensors.SelectMany(tensor => numbers[tensor.Name])];
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
        ModelGraph differentiated = Plan.Adapters is { } adapters
            ? Autodiff.Apply(InsertAdapters.Apply(Plan.Model.Graph, adapters), InsertAdapters.Adapters)
            : Autodiff.Apply(Plan.Model.Graph, TrainedParameters.All);
        TrainingSequence[] sequences = [.. Enumerable.Range(0, batch.Sequences).Select(s => new TrainingSequence(
            batch.Tokens.Slice(s * batch.Length, batch.Length).ToArray(), batch.Targets.Slice(s * batch.Length, batch.Length).ToArray()))];
        TrainingStep step = new TrainingReference(differentiated, new RoundedParameters(Plan.Model.Weights, new PublishedParameters(this)), Plan.Model.Weights).Run(sequences, 1f / batch.CountTargets());
        Dictionary<string, double[]> published = Plan.Tensors.ToDictionary(tensor => tensor.Tensor.Name, tensor => new double[numbers[tensor.Tensor.Name].Length]);
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

    /// <summary>A published adapter may have any numbers; those of a new one would leave A without a gradient.</summary>
    private void PackFrozen()
    {
        foreach (TrainedTensor tensor in Plan.Tensors)
        {
            SeededNoise noise = new(2, tensor.Tensor.Name);
            numbers.Add(tensor.Tensor.Name, [.. Enumerable.Range(0, tensor.Tensor.Shape[0] * tensor.Tensor.Shape[1]).Select(i => 0.2f * noise.Normal(i))]);
        }

        FrozenPath = Path.Combine(AppContext.BaseDirectory, $"frozen-{Guid.NewGuid():n}.mcw");
        using WeightsFileWriter writer = new(FrozenPath, Plan.Model.Hash);
        WeightsPacker.Pack(Plan.Model.Weights, new PublishedParameters(this), writer.Write);
        FrozenHash = writer.Complete([]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (FrozenPath is not null)
        {
            File.Delete(FrozenPath);
        }
    }

    /// <inheritdoc/>
    public void Read(TensorInfo tensor, long first, Span<float> destination) => numbers[tensor.Name].AsSpan((int)first, destination.Length).CopyTo(destination);
}
