using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Plan;

/// <summary>From the graph as mapped to the plan.</summary>
internal static class ModelPlanner
{
    /// <summary>Most rows in a step: enough to hide one pass over the weights behind its arithmetic.</summary>
    private const int MostRows = 512;

    /// <summary>The arena is kept within this.</summary>
    private const long ArenaBytes = 32L * 1024 * 1024;

    public static ModelPlan Plan(string name, ModelGraph graph, FormatChoice formats, CacheFormat cache, Action<string, ModelGraph>? afterPass = null, ModelFeatures features = ModelFeatures.None)
    {
        WeightsPlanner weights = new();
        ParameterLayout layout = new(weights, formats);
        return Plan(name, graph, graph, formats, cache, afterPass, features, new ParameterMemory(layout, layout, _ => false), weights.Finish);
    }

    /// <summary>Plans a model together with adapters, over the packed weights that it has without them.</summary>
    /// <exception cref="ArgumentException">A rank below 1, or a target that fits no product.</exception>
    public static ModelPlan Plan(
        string name, ModelGraph graph, FormatChoice formats, CacheFormat cache, AdapterOptions adapters, Action<string, ModelGraph>? afterPass = null, ModelFeatures features = ModelFeatures.None)
    {
        PackedWeights packed = Plan(name, graph, formats, cache).Weights;
        ModelGraph adapted = InsertAdapters.Apply(graph, adapters);
        WeightsPlanner own = new();
        ParameterMemory memory = new(
            new ParameterLayout(new WeightsPlanner(packed), formats), new ParameterLayout(own, ParameterMemory.F32), InsertAdapters.Adapters.Contains);
        ModelPlan plan = Plan(name, graph, adapted, formats, cache, afterPass, features, memory, () => packed);
        PackedWeights layout = own.Finish();
        return plan with { Adapter = new AdapterPlan(adapters, layout, TrainedTensors.Of(layout, adapted)) };
    }

    private static ModelPlan Plan(
        string name, ModelGraph graph, ModelGraph mapped, FormatChoice formats, CacheFormat cache, Action<string, ModelGraph>? afterPass, ModelFeatures features,
        ParameterMemory memory, Func<PackedWeights> finish)
    {
        ModelGraph fused = PassList.Run(PassList.Inference, mapped, formats, afterPass);
        ArenaPlanner arena = ArenaPlanner.Plan(fused, LocalScratch.FirstFreeFloat(fused, cache));
        StagePlanner stages = new(fused, formats, arena, memory, cache, features);
        EquatableArray<Stage> program = stages.Run();
        PackedWeights packed = finish();
        ScratchPlan scratch = new(
            arena.FloatsPerRow, arena.LocalFloats + LocalScratch.UnpackFloats(program), LocalScratch.FloatsPerRow(program), Rows(arena.FloatsPerRow),
            ArenaPlanner.Pad(graph.Dimensions.Vocab));
        long bytesPerToken = stages.ReadPerToken.Sum(matrix => matrix.LengthBytes) + packed.Vectors.Where(vector => vector.Rows == 1).Sum(vector => vector.LengthBytes);
        return new ModelPlan(name, graph, formats.ToString(), stages.CachePlan, packed, PlanHash.Of(packed), bytesPerToken, program, scratch, stages.TracePlan);
    }

    private static int Rows(int floatsPerRow)
    {
        int rows = MostRows;
        while (rows > 64 && 4L * rows * floatsPerRow > ArenaBytes)
        {
            rows /= 2;
        }

        return rows;
    }
}

/// <summary>The parts of a worker's own scratch, in floats.</summary>
public static class LocalScratch
{
    /// <summary>A tile that an epilogue reads; there are two, for gate and up.</summary>
    public const int TileFloats = TilePlan.MaxRows * 64;

    /// <summary>Where attention's part begins, <see cref="AttentionScratch"/>.</summary>
    public const int Attention = 2 * TileFloats;

    internal static int FirstFreeFloat(ModelGraph fused, CacheFormat cache)
        => fused.Operations.OfType<FusedAttention>().Select(attention => attention.Definition)
            .Select(shape => new AttentionScratch(new CacheBlock(cache, ArenaPlanner.Pad(shape.HeadDim)), shape.Heads / shape.KvHeads).End)
            .DefaultIfEmpty(Attention).Max();

    internal static int UnpackFloats(EquatableArray<Stage> stages)
        => stages.Select(stage => stage.Kernel is LinearKernel linear ? linear.UnpackFloats : 0).DefaultIfEmpty(0).Max();

    internal static int FloatsPerRow(EquatableArray<Stage> stages)
        => stages.Select(stage => stage.Kernel is LinearKernel { InputBlocks: > 1, HasEpilogue: true } linear ? linear.Gated ? 128 : 64 : 0).DefaultIfEmpty(0).Max();
}
