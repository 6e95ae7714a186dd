using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes;

namespace ModelCompiler.Compiler.Plan;

/// <summary>From the graph as mapped to the plan.</summary>
internal static class ModelPlanner
{
    /// <summary>Most rows in a step: enough to hide one pass over the weights behind its arithmetic.</summary>
    private const int MostRows = 512;

    /// <summary>The arena is kept within this.</summary>
    private const long ArenaBytes = 32L * 1024 * 1024;

    public static ModelPlan Plan(string name, ModelGraph graph, WeightFormat format, Action<string, ModelGraph>? afterPass = null)
    {
        ModelGraph fused = PassList.Run(graph, afterPass);
        ArenaPlanner arena = ArenaPlanner.Plan(fused, LocalScratch.FirstFreeFloat(fused));
        WeightsPlanner weights = new(format);
        StagePlanner stages = new(fused, arena, weights);
        EquatableArray<Stage> program = stages.Run();
        PackedWeights packed = weights.Finish();
        ScratchPlan scratch = new(
            arena.FloatsPerRow, arena.LocalFloats, LocalScratch.FloatsPerRow(program), Rows(arena.FloatsPerRow), stages.PageFloats,
            ArenaPlanner.Pad(graph.Dimensions.Vocab));
        long bytesPerToken = stages.ReadPerToken.Sum(matrix => matrix.LengthBytes) + packed.Vectors.Where(vector => vector.Rows == 1).Sum(vector => vector.LengthBytes);
        return new ModelPlan(name, graph, format.Name, packed, PlanHash.Of(packed), bytesPerToken, program, scratch);
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

    /// <summary>Where attention's scores begin: [rows of a tile × positions of a page].</summary>
    public const int Scores = 2 * TileFloats;

    /// <summary>Where its sums of values begin: [rows of a tile × padded head].</summary>
    public const int Sums = Scores + (TilePlan.MaxRows * CachePage.Positions);

    /// <summary>Where its softmax states begin, [rows of a tile × <see cref="StateFloats"/>], for heads of a padded size.</summary>
    public static int States(int paddedHeadDim) => Sums + (TilePlan.MaxRows * paddedHeadDim);

    /// <summary>Floats of a row's softmax state: maximum, correction, and from 16 on the sum in sixteen lanes.</summary>
    public const int StateFloats = 32;

    internal static int FirstFreeFloat(ModelGraph fused)
    {
        int widestHead = fused.Operations.OfType<FusedAttention>().Select(attention => ArenaPlanner.Pad(attention.Definition.HeadDim)).DefaultIfEmpty(0).Max();
        return States(widestHead) + (TilePlan.MaxRows * StateFloats);
    }

    internal static int FloatsPerRow(EquatableArray<Stage> stages)
        => stages.Select(stage => stage.Kernel is LinearKernel { InputBlocks: > 1, HasEpilogue: true } linear ? linear.Gated ? 128 : 64 : 0).DefaultIfEmpty(0).Max();
}
