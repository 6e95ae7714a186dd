using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights;
using ModelCompiler.Tool.Packing;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Low-rank adapters over frozen packed weights: their gradients, and the same adapter trained, published, applied and merged.</summary>
public sealed class AdapterTrainingTests(ITestOutputHelper output) : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("adapter").FullName;

    /// <summary>All five formats; attention, gate or up alone and together, residual products; GPT-2's q, k and v in one tensor.</summary>
    public static TheoryData<string, string, string[]> Cases => new()
    {
        { "llama-head20", "q4", ["q_proj", "v_proj"] },
        { "qwen3-head24", "bf16", ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"] },
        { "gpt2-tied", "q8", ["c_attn", "c_fc", "c_proj"] },
        { "llama-untied", "f16", ["gate_proj"] },
        { "llama-head20", "f32", ["up_proj", "down_proj"] },
    };

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public void GradientsMeetTheReferenceAndBitsDependOnNothingElse(string name, string format, string[] targets)
    {
        using EmittedTraining model = Train(name, format, targets);
        (TrainingBatch batch, double[] losses, Dictionary<string, double[]> expected) = Choose(model, format is "q8" or "q4");
        (double loss, Dictionary<string, float[]> gradients) = model.Step(batch, Engines.Best);
        Assert.Equal(expected.Keys.Order(), gradients.Keys.Order());
        double largest = expected.Max(tensor => Math.Sqrt(tensor.Value.Zip(gradients[tensor.Key], (e, g) => (e - g) * (e - g)).Sum() / tensor.Value.Sum(e => e * e)));
        double lossDifference = Math.Abs(loss - losses.Sum()) / losses.Sum();
        output.WriteLine($"{name} {format}: gradients {largest:E2}, losses {lossDifference:E2}");
        Assert.InRange(largest, 0, 1e-4);
        Assert.InRange(lossDifference, 0, 1e-6);
        foreach (InstructionSet instructionSet in Engines.Supported)
        {
            foreach (int threads in new[] { 1, 2, 3 })
            {
                (double again, Dictionary<string, float[]> bits) = model.Step(batch, instructionSet, threads);
                Assert.Equal(loss, again);
                Assert.All(gradients, tensor => Bits.AssertEqual(tensor.Value, bits[tensor.Key], $"{tensor.Key}, {instructionSet}, {threads} threads"));
            }
        }
    }

    /// <summary>Published and loaded beside the same packed file, it computes what was trained; merged into f32 weights, too.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void AppliedAndMergedItIsWhatWasTrained(string name, string format, string[] targets)
    {
        using EmittedTraining model = Train(name, format, targets);
        using TrainableModel trained = model.Load(Engines.Best, threads: 2);
        AdapterFolder.Write(folder, trained, "base");
        Func<LoadOptions, CompiledModel> load = Compile(model, model.Plan.Adapters, model.FrozenHash);
        TrainingBatch batch = model.Batch(1, 40);
        double expected = trained.Loss(batch);
        float[] applied = Logits(load, model.FrozenPath!, batch.Tokens, folder);
        double difference = Math.Abs(Loss(applied, batch, model.Vocab) - expected) / expected;
        output.WriteLine($"{name} {format}: applied {difference:E2}");
        Assert.InRange(difference, 0, 1e-6);

        // Token by token through the cache, as text is generated: the same bits.
        Bits.AssertEqual(applied, Logits(load, model.FrozenPath!, batch.Tokens, folder, promptChunk: 1), "token by token");
        if (format == "f32")
        {
            IParameterSource published = new PublishedParameters(model);
            string merged = Path.Combine(folder, "merged.mcw");
            string hash;
            using (WeightsFileWriter writer = new(merged, model.Plan.Model.Hash))
            {
                WeightsPacker.Pack(model.Plan.Model.Weights, new MergedParameters(published, model.Plan.Model.Graph, model.Plan.Adapters!, published), writer.Write);
                hash = writer.Complete([]);
            }

            float[] mergedLogits = Logits(Compile(model, null, hash), merged, batch.Tokens, null);
            float[] plain = Logits(load, model.FrozenPath!, batch.Tokens, null);
            double apart = applied.Zip(mergedLogits, (a, b) => Math.Abs(a - b)).Max(), effect = applied.Zip(plain, (a, b) => Math.Abs(a - b)).Max();
            output.WriteLine($"{name}: merged differs from applied by {apart:E2}, the adapter changes logits by {effect:E2}");
            Assert.InRange(apart, 0, 1e-4);
            Assert.True(effect > 1e-2);
        }
    }

    /// <summary>Layers are computed twice to save memory, adapters and all.</summary>
    [Theory]
    [InlineData("qwen3-head24", "bf16", new[] { "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj" })]
    [InlineData("gpt2-tied", "q8", new[] { "c_attn", "c_fc", "c_proj" })]
    public void AdaptersOfRecomputedLayersGetTheSameBits(string name, string format, string[] targets)
    {
        using EmittedTraining kept = Train(name, format, targets);
        using EmittedTraining again = new(name, SyntheticConfigs.Small[name], (4L * kept.Plan.Scratch.ArenaFloatsPerRow) - 1, adapters: kept.Plan.Adapters, weights: format);
        Assert.InRange(again.Plan.RecomputedLayers, 1, 2);
        TrainingBatch batch = kept.Batch(2, 70);
        (double expectedLoss, Dictionary<string, float[]> expected) = kept.Step(batch, Engines.Best, threads: 2);
        (double loss, Dictionary<string, float[]> gradients) = again.Step(batch, Engines.Best, threads: 2);
        Assert.Equal(expectedLoss, loss);
        Assert.All(expected, tensor => Bits.AssertEqual(tensor.Value, gradients[tensor.Key], tensor.Key));
    }

    [Fact]
    public void TwentyStepsOverFourBitsLowerTheLoss()
    {
        using EmittedTraining model = Train("llama-head20", "q4", ["q_proj", "v_proj", "down_proj"]);
        using TrainableModel training = model.Load(Engines.Best, threads: 2);
        using AdamW optimizer = new(training, new AdamWOptions());
        TrainingBatch batch = model.Batch(4, 32);
        double first = training.Loss(batch);
        for (int step = 0; step < 20; step++)
        {
            training.ForwardBackward(batch, 1f / batch.CountTargets());
            optimizer.Step(0.01);
        }

        double last = training.Loss(batch);
        output.WriteLine($"loss {first / batch.CountTargets():F3} → {last / batch.CountTargets():F3}");
        Assert.True(last < first * 0.9, $"{first} → {last}");
    }

    /// <summary>Interrupted behind step 4, and taken up with another number of threads.</summary>
    [Fact]
    public void InterruptedAndResumedItGivesTheSameBits()
    {
        using EmittedTraining model = Train("llama-head20", "q4", ["q_proj", "v_proj"]);
        TokenData data = new(model.Batch(1, 600).Tokens.ToArray(), ReadOnlyMemory<int>.Empty);
        TrainerOptions options = new() { Steps = 8, Batch = 2, Context = 16, LearningRate = 0.01, EvaluateEvery = 0, CheckpointEvery = 0, CheckpointFolder = Path.Combine(folder, "whole") };
        Dictionary<string, float[]> expected = Run(options, threads: 1);
        TrainerOptions parts = options with { CheckpointFolder = Path.Combine(folder, "parts") };
        using CancellationTokenSource stop = new();
        Assert.Throws<OperationCanceledException>(() => Run(parts, threads: 2, new StopAt(4, stop), stop.Token));
        Dictionary<string, float[]> resumed = Run(parts with { Resume = true }, threads: 3);
        Assert.All(expected, tensor => Bits.AssertEqual(tensor.Value, resumed[tensor.Key], tensor.Key));

        Dictionary<string, float[]> Run(TrainerOptions how, int threads, IProgress<TrainingProgress>? progress = null, CancellationToken cancellation = default)
        {
            using TrainableModel training = model.Load(Engines.Best, threads);
            using Trainer trainer = new(training, data, how);
            trainer.Run(progress, cancellation);
            Dictionary<string, float[]> tensors = [];
            foreach (TrainingTensor tensor in training.Description.Tensors)
            {
                tensors.Add(tensor.Name, new float[tensor.Length]);
                training.ReadTensor(tensor.Name, tensors[tensor.Name]);
            }

            return tensors;
        }
    }

    [Fact]
    public void AnAdapterThatDoesNotFitIsRefused()
    {
        using EmittedTraining model = Train("llama-head20", "q4", ["q_proj", "v_proj"]);
        using (TrainableModel trained = model.Load(Engines.Best))
        {
            AdapterFolder.Write(folder, trained, "base");
        }

        Func<LoadOptions, CompiledModel> load = Compile(model, model.Plan.Adapters, model.FrozenHash);
        string config = Path.Combine(folder, AdapterFolder.ConfigFile), written = File.ReadAllText(config);
        Assert.Contains("found rank 4, alpha 6", Refuse(written.Replace("\"r\": 3", "\"r\": 4", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("alpha 12", Refuse(written.Replace("\"lora_alpha\": 6", "\"lora_alpha\": 12", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("use_dora: found True, expected false", Refuse("""{ "peft_type": "LORA", "r": 3, "lora_alpha": 6, "target_modules": ["q_proj"], "use_dora": true }"""), StringComparison.Ordinal);
        Assert.Contains("init_lora_weights: found pissa_niter_4, expected true", Refuse("""{ "peft_type": "LORA", "r": 3, "lora_alpha": 6, "target_modules": ["q_proj"], "init_lora_weights": "pissa_niter_4" }"""), StringComparison.Ordinal);
        Assert.Contains("peft_type: found IA3, expected LORA", Refuse("""{ "peft_type": "IA3" }"""), StringComparison.Ordinal);
        Assert.Contains("expected an object with the number r", Refuse("{"), StringComparison.Ordinal);
        Assert.Contains("compiled without adapters", Assert.Throws<ArgumentException>(() => Logits(Compile(model, null, model.FrozenHash), model.FrozenPath!, [1], folder)).Message, StringComparison.Ordinal);

        (string Name, IReadOnlyList<int> Shape)[] tensors = [.. model.Plan.Tensors.Select(tensor => (tensor.Tensor.Name, (IReadOnlyList<int>)[.. tensor.Tensor.Shape]))];
        Assert.Contains("'other': found none of that name", RefuseTensors([.. tensors, ("other", [3, 4])]), StringComparison.Ordinal);
        Assert.Contains("found [3, ", RefuseTensors([(tensors[0].Name, [4, 4]), .. tensors[1..]]), StringComparison.Ordinal);
        Assert.Contains($"found '{tensors[0].Name}', expected only the {tensors.Length - 1}", RefuseTensors(tensors[1..]), StringComparison.Ordinal);
        File.WriteAllText(config, written);
        using TrainableModel further = model.Load(Engines.Best);
        AssertWeightsAreHeldAgainstThoseTrainedOver(further, load, model.FrozenPath!);
        File.Delete(Path.Combine(folder, AdapterFolder.TensorsFile));
        Assert.Contains("found no such file", Refuse(written), StringComparison.Ordinal);

        string Refuse(string text)
        {
            File.WriteAllText(config, text);
            return Assert.Throws<AdapterException>(() => Logits(load, model.FrozenPath!, [1], folder)).Message;
        }

        string RefuseTensors((string, IReadOnlyList<int>)[] expected) => Assert.Throws<AdapterException>(() => AdapterFolder.ReadTensors(folder, expected)).Message;
    }

    /// <summary>The file of another model's adapter, of the same shape; without what we write into its header, as other libraries do, nothing is known of it.</summary>
    private void AssertWeightsAreHeldAgainstThoseTrainedOver(TrainableModel further, Func<LoadOptions, CompiledModel> load, string weights)
    {
        string path = Path.Combine(folder, AdapterFolder.TensorsFile);
        byte[] written = File.ReadAllBytes(path);
        int sample = written.AsSpan().IndexOf("\"base_sample\":\""u8) + "\"base_sample\":\"".Length;
        written.AsSpan(sample, 16).Fill((byte)'0');
        File.WriteAllBytes(path, written);
        const string expected = "found weights with the checksum 0000000000000000, expected this model's, ";
        Assert.Contains(expected, Assert.Throws<AdapterException>(() => Logits(load, weights, [1], folder)).Message, StringComparison.Ordinal);
        Assert.Contains(expected, Assert.Throws<AdapterException>(() => AdapterFolder.Read(folder, further)).Message, StringComparison.Ordinal);
        "BASE"u8.CopyTo(written.AsSpan(sample - 14));
        File.WriteAllBytes(path, written);
        Assert.NotEmpty(Logits(load, weights, [1], folder));
    }

    /// <summary>
    /// Products in a block format round their inputs, and a number in the middle between two integers may go one way in float32 and the other in the double
    /// precision of the reference: another step, with other losses. So few tokens are taken that there is no such number; the losses tell.
    /// </summary>
    private static (TrainingBatch Batch, double[] Losses, Dictionary<string, double[]> Gradients) Choose(EmittedTraining model, bool rounds)
    {
        for (int sequence = 0; rounds && sequence < 8; sequence++)
        {
            TrainingBatch batch = model.Batch(1, 6, sequence);
            (double[] losses, Dictionary<string, double[]> gradients) = model.Reference(batch);
            if (Math.Abs(model.Step(batch, Engines.Best).Loss - losses.Sum()) < 1e-6 * losses.Sum())
            {
                return (batch, losses, gradients);
            }
        }

        TrainingBatch large = model.Batch(3, 37);
        (double[] all, Dictionary<string, double[]> whole) = model.Reference(large);
        return (large, all, whole);
    }

    private static EmittedTraining Train(string name, string format, string[] targets)
        => new(name, SyntheticConfigs.Small[name], adapters: new AdapterOptions(3, 6, targets.ToEquatable()), weights: format);

    /// <summary>The inference class over the same packed weights, with adapters or without.</summary>
    private static Func<LoadOptions, CompiledModel> Compile(EmittedTraining model, AdapterOptions? adapters, string contentHash)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelPlan plan = ModelCompilation.Plan(model.Inputs, new PlanOptions(model.Plan.Model.Format, Adapter: adapters), diagnostics)!;
        Assert.Empty(diagnostics);
        Assert.Equal(model.Plan.Model.Hash, plan.Hash);
        string space = "Adapted" + Guid.NewGuid().ToString("n");
        EmitOptions emitting = new(space, "Model", "public sealed", contentHash, "frozen.mcw", null, new([Enum.Parse<TargetSet>(Engines.Best.ToString())]));
        return EmittedAssembly.Loader(EmittedAssembly.Compile(space, ModelCompilation.Emit(plan, emitting)), space + ".Model");
    }

    /// <summary>[tokens × vocab].</summary>
    private static float[] Logits(Func<LoadOptions, CompiledModel> load, string weightsPath, ReadOnlySpan<int> tokens, string? adapter, int? promptChunk = null)
    {
        using CompiledModel compiled = load(new LoadOptions { WeightsPath = weightsPath, InstructionSet = Engines.Best, Threads = 2, AlwaysUseAllThreads = true, Adapter = adapter, PromptChunk = promptChunk });
        using Session session = compiled.CreateSession();
        return session.Forward(tokens, LogitsFor.All).ToArray();
    }

    private static double Loss(float[] logits, TrainingBatch batch, int vocab)
    {
        double sum = 0;
        for (int row = 0; row < batch.Tokens.Length; row++)
        {
            if (batch.Targets[row] != TrainingBatch.NoTarget)
            {
                double[] each = [.. logits.AsSpan(row * vocab, vocab).ToArray().Select(logit => (double)logit)];
                double most = each.Max();
                sum += most + Math.Log(each.Sum(logit => Math.Exp(logit - most))) - each[batch.Targets[row]];
            }
        }

        return sum;
    }

    private sealed class StopAt(long step, CancellationTokenSource stop) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
            {
                stop.Cancel();
            }
        }
    }
}
