using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.Compiler.Tests.Plan;

/// <summary>What must hold for the training plan of any model.</summary>
public class TrainingPlanTests(ITestOutputHelper output)
{
    public static TheoryData<string, int> Cases => [.. from name in PlannedModel.Configs.Keys from recomputed in new[] { 0, 2, int.MaxValue } select (name, recomputed)];

    /// <summary>Memory that remembers which value was written where: an operation that would read another is found.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_operation_reads_what_it_should(string name, int recomputed)
    {
        TrainingPlan plan = Plan(name, recomputed);
        TrainingArena arena = TrainingArena.Plan(plan.Graph);
        int[] memory = new int[arena.FloatsPerRow];
        Array.Fill(memory, -1);
        foreach (Operation operation in plan.Graph.Operations)
        {
            foreach (Value input in operation.Inputs)
            {
                Slot slot = arena.Slots[input.Id];
                Assert.All(Cells(slot).ToArray(), cell => Assert.True(cell == input.Id, $"{operation.GetType().Name} {operation.Output.Name} reads {input.Name} where value {cell} lies"));
            }

            if (operation is NormParameterGradient parameters)
            {
                int written = StatisticsOf(parameters.Forward);
                Assert.All(Cells(arena.Statistics[parameters.Forward.Output.Id]).ToArray(), cell => Assert.Equal(written, cell));
            }

            foreach (Value value in operation.Outputs.Where(value => TrainingArena.IsPlaced(operation, value)))
            {
                Cells(arena.Slots[value.Id]).Fill(value.Id);
            }

            if (operation is NormGradient gradient)
            {
                Cells(arena.Statistics[gradient.Forward.Output.Id]).Fill(StatisticsOf(gradient.Forward));
            }
        }

        Span<int> Cells(Slot slot) => memory.AsSpan(slot.Buffer.Offset + slot.Column, slot.PaddedWidth);

        static int StatisticsOf(Norm norm) => int.MinValue + norm.Output.Id;
    }

    /// <summary>What an operation writes lies nowhere where it still reads, except in the whole place of what it replaces.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void What_is_written_overlaps_what_is_read_only_where_it_replaces_it(string name, int recomputed)
    {
        TrainingPlan plan = Plan(name, recomputed);
        foreach (Stage stage in plan.Stages)
        {
            Slot[] slots = [.. stage.Operands.OfType<Slot>().Distinct()];
            for (int i = 0; i < slots.Length; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    bool same = slots[i].Buffer.Offset == slots[j].Buffer.Offset && slots[i].Column == slots[j].Column;
                    Assert.True(same || !Overlap(slots[i], slots[j]), $"{stage.Equation}: {slots[i].Name} and {slots[j].Name}");
                }
            }
        }

        static bool Overlap(Slot a, Slot b)
        {
            // Rows of one region interleave; rows of different regions do not.
            return a.Buffer.Offset == b.Buffer.Offset
                ? a.Column < b.Column + b.PaddedWidth && b.Column < a.Column + a.PaddedWidth
                : a.Buffer.Offset < b.Buffer.Offset + b.Buffer.Stride && b.Buffer.Offset < a.Buffer.Offset + a.Buffer.Stride;
        }
    }

    /// <summary>Each number of each published tensor has one place, and places differ.</summary>
    [Theory]
    [InlineData("llama-head20")]
    [InlineData("llama-biased")]
    [InlineData("qwen3-head24")]
    [InlineData("gpt2-tied")]
    [InlineData("gpt2-untied")]
    public void Every_published_number_has_one_place(string name)
    {
        TrainingPlan plan = Plan(name, 0);
        HashSet<long> places = [];
        foreach (TrainedTensor tensor in plan.Tensors)
        {
            long numbers = 0;
            foreach (TrainedSegment segment in tensor.Segments)
            {
                for (int o = 0; o < segment.Outputs; o++)
                {
                    for (int i = 0; i < segment.Inputs; i++, numbers++)
                    {
                        Assert.True(places.Add(Place(segment, o, i)), $"{tensor.Tensor.Name}: a place that has a number already");
                    }
                }
            }

            Assert.Equal(tensor.Tensor.Shape.Aggregate(1L, (length, size) => length * size), numbers);
        }

        Assert.Equal(SyntheticTensors.Of(PlannedModel.Configs[name]).Select(tensor => tensor.Name).Order(), plan.Tensors.Select(tensor => tensor.Tensor.Name).Order());

        static long Place(TrainedSegment segment, int output, int input)
        {
            if (segment.Matrix is not { } matrix)
            {
                return segment.Offset + ((long)output * segment.Stride) + input;
            }

            int column = segment.Column + output;
            int panel = (column / 64 * matrix.Parts.Count) + segment.Part;
            return (matrix.PanelOffsetBytes(panel) / 4) + ((long)(segment.Input + input) * matrix.Columns(panel)) + (column % 64);
        }
    }

    /// <summary>Places for the values that are alive at once are all that there must be; first fit may lose a little to holes.</summary>
    [Theory]
    [InlineData("stories15m")]
    [InlineData("gpt2-124m")]
    [InlineData("qwen3-0.6b")]
    public void The_arena_is_little_larger_than_what_lives_at_once(string name)
    {
        TrainingPlan plan = Plan(name, 0);
        long least = MostAlive(plan);
        output.WriteLine($"{name}: {plan.Scratch.ArenaFloatsPerRow} floats for each row; {least} live at once");
        Assert.InRange(plan.Scratch.ArenaFloatsPerRow, least, (long)(least * 1.1));
    }

    /// <summary>Together or not at all: not where gate and up, and their gradients, already lie side by side with others.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(true, "q_proj", "down_proj")]
    [InlineData(false, "gate_proj", "up_proj")]
    public void The_gradients_of_gate_and_up_are_written_where_these_lie(bool inAllLayers, params string[] adapted)
    {
        AdapterOptions? adapters = adapted.Length == 0 ? null : new(2, 4, adapted.ToEquatable());
        TrainingPlan plan = ModelCompilation.PlanTraining(PlannedModel.Inputs("m", PlannedModel.Configs["stories15m"]), new TrainingPlanOptions(null, 1024, adapters), [])!;
        TrainingArena arena = TrainingArena.Plan(plan.Graph);
        FusedInputGradient[] gated = [.. plan.Graph.Operations.OfType<FusedInputGradient>().Where(product => product.Gate is not null)];
        Assert.Equal(plan.Graph.Dimensions.Layers, gated.Length);
        Assert.Equal(gated.Length, plan.Stages.Count(stage => stage.Kernel is InputGradientKernel { Gate: not null }));
        Assert.Equal(inAllLayers, gated.All(product => InPlace(product.Gate!.Gate, product.Output)));
        Assert.All(gated, product => Assert.Equal(InPlace(product.Gate!.Gate, product.Output), InPlace(product.Gate.Up, product.Gate.UpGradient)));

        bool InPlace(Value input, Value output)
            => (arena.Slots[input.Id].Buffer.Offset, arena.Slots[input.Id].Column) == (arena.Slots[output.Id].Buffer.Offset, arena.Slots[output.Id].Column);
    }

    [Fact]
    public void As_few_layers_are_recomputed_as_memory_allows()
    {
        long kept = Bytes(0), all = Bytes(int.MaxValue), bound = (kept + all) / 2;
        List<ModelDiagnostic> diagnostics = [];
        TrainingPlan plan = ModelCompilation.PlanTraining(PlannedModel.Inputs("m", PlannedModel.Configs["stories15m"]), new TrainingPlanOptions(bound, 1024), diagnostics)!;
        Assert.InRange(plan.RecomputedLayers, 1, 5);
        Assert.InRange(4L * 1024 * plan.Scratch.ArenaFloatsPerRow, 1, bound);
        Assert.True(Bytes(plan.RecomputedLayers - 1) > bound);
        output.WriteLine($"{kept:N0} bytes with all activations, {all:N0} with none; {plan.RecomputedLayers} layers for {bound:N0}");

        TrainingMemoryException failure = Assert.Throws<TrainingMemoryException>(
            () => ModelCompilation.PlanTraining(PlannedModel.Inputs("m", PlannedModel.Configs["stories15m"]), new TrainingPlanOptions(all / 2, 1024), diagnostics));
        Assert.Contains($"at least {all:N0}", failure.Message);

        static long Bytes(int recomputed) => 4L * 1024 * Plan("stories15m", recomputed).Scratch.ArenaFloatsPerRow;
    }

    private static long MostAlive(TrainingPlan plan)
    {
        TrainingArena arena = TrainingArena.Plan(plan.Graph);
        Dictionary<int, int> lastUse = [];
        IReadOnlyList<Operation> operations = [.. plan.Graph.Operations];
        for (int i = 0; i < operations.Count; i++)
        {
            foreach (Value value in operations[i].Inputs.Concat(operations[i].Outputs))
            {
                lastUse[value.Id] = i;
            }
        }

        Dictionary<int, Slot> live = [];
        long most = 0;
        for (int i = 0; i < operations.Count; i++)
        {
            foreach (Value value in operations[i].Outputs.Where(value => arena.Slots.ContainsKey(value.Id)))
            {
                live[value.Id] = arena.Slots[value.Id];
            }

            most = Math.Max(most, live.Values.Select(slot => (slot.Buffer.Offset, slot.Column, slot.PaddedWidth)).Distinct().Sum(place => (long)place.PaddedWidth));
            foreach (int id in live.Keys.Where(id => lastUse[id] <= i).ToList())
            {
                live.Remove(id);
            }
        }

        return most;
    }

    /// <summary>Layouts of weights do not tell these apart; a checkpoint of the one must not be taken for the other's.</summary>
    [Theory]
    [InlineData("\"rope_theta\": 10000.0", "\"rope_theta\": 20000.0")]
    [InlineData("\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 1e-06")]
    [InlineData("\"hidden_act\": \"silu\"", "\"hidden_act\": \"gelu\"")]
    [InlineData("\"sliding_window\": 8", "\"sliding_window\": 16")]
    [InlineData("\"num_attention_heads\": 4, \"num_key_value_heads\": 2", "\"num_attention_heads\": 2, \"num_key_value_heads\": 1, \"head_dim\": 32")]
    public void The_hash_of_a_model_tells_what_it_computes(string found, string other)
    {
        const string name = "mistral-window8";
        string config = PlannedModel.Configs[name];
        TrainingPlan plan = Of(config), changed = Of(config.Replace(found, other, StringComparison.Ordinal));
        Assert.Contains(found, config, StringComparison.Ordinal);
        Assert.Equal(plan.Hash, changed.Hash);
        Assert.NotEqual(plan.ModelHash, changed.ModelHash);
        Assert.Equal(plan.ModelHash, Plan(name, 2).ModelHash);

        static TrainingPlan Of(string config) => ModelCompilation.PlanTraining(PlannedModel.Inputs(name, config), new(), [])!;
    }

    private static TrainingPlan Plan(string name, int recomputed)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelGraph? graph = ModelGraphBuilder.Build(PlannedModel.Inputs(name, PlannedModel.Configs[name]), diagnostics);
        Assert.Empty(diagnostics);
        return TrainingPlanner.Plan(name, graph!, Math.Min(recomputed, graph!.Dimensions.Layers));
    }
}
