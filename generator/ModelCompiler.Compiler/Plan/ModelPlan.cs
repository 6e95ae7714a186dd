using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Plan;

/// <summary>Every decision about a model, made: emission and packing only carry it out.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="Graph">The model as mapped, before fusion.</param>
/// <param name="Format">Name of the format of its matrices.</param>
/// <param name="Cache">What its key/value cache holds.</param>
/// <param name="Weights">Layout of the packed weights.</param>
/// <param name="Hash">SHA-256 of the layout, lower-case hexadecimal: ties emitted code to its packed file.</param>
/// <param name="BytesPerToken">Weight bytes that one decoded token reads.</param>
/// <param name="Stages">The program, in order.</param>
/// <param name="Scratch">Sizes of the scratch memory.</param>
/// <param name="Trace">What looks into it; null without <see cref="ModelFeatures.Trace"/>.</param>
/// <param name="Adapter">The adapters that are computed beside the weights; null: none.</param>
public sealed record ModelPlan(
    string Name, ModelGraph Graph, string Format, CachePlan Cache, PackedWeights Weights, string Hash, long BytesPerToken,
    EquatableArray<Stage> Stages, ScratchPlan Scratch, TracePlan? Trace = null, AdapterPlan? Adapter = null)
{
    /// <summary>Each shared body once, in the order of first use.</summary>
    public IEnumerable<KernelPlan> Kernels
        => Stages.Concat(Trace is null ? [] : Trace.Vectors.Append(Trace.Given)).Select(stage => stage.Kernel).Distinct();

    /// <summary>Weight bytes of a layer, all of which every token reads.</summary>
    public long BytesPerLayer(int layer)
    {
        HashSet<long> offsets = [.. Stages.Where(stage => stage.Place.Layer == layer).SelectMany(stage => stage.Weights).Select(weight => weight.OffsetBytes)];
        return Weights.Matrices.Where(matrix => offsets.Contains(matrix.OffsetBytes)).Sum(matrix => matrix.LengthBytes)
            + Weights.Vectors.Where(vector => offsets.Contains(vector.OffsetBytes)).Sum(vector => vector.LengthBytes);
    }
}

/// <summary>Low-rank adapters that are computed beside packed weights, which stay as they are.</summary>
/// <param name="Options">Rank, alpha and targets.</param>
/// <param name="Weights">Layout of their float32 memory.</param>
/// <param name="Tensors">Their published tensors, and where the numbers lie there.</param>
public sealed record AdapterPlan(AdapterOptions Options, PackedWeights Weights, EquatableArray<TrainedTensor> Tensors);

/// <summary>
/// Scratch memory, in floats: shared (per row), and each worker's own. A worker's begins with the tile that epilogues read, then
/// attention's block, then the rows of norms that every worker computes for itself.
/// </summary>
/// <param name="ArenaFloatsPerRow">Shared scratch for each row of a step.</param>
/// <param name="LocalFloats">Each worker's.</param>
/// <param name="LocalFloatsPerRow">Each worker's, for each row: panels whose inner dimension is cut into blocks.</param>
/// <param name="MaxRows">Most rows in one step.</param>
/// <param name="VocabStride">Floats between rows of logits.</param>
public sealed record ScratchPlan(int ArenaFloatsPerRow, int LocalFloats, int LocalFloatsPerRow, int MaxRows, int VocabStride);

/// <summary>The key/value cache: its pages hold 64 positions of <paramref name="Blocks"/> blocks, those of a layer's key/value heads side by side.</summary>
/// <param name="Block">What a page holds for each key/value head of each layer.</param>
/// <param name="Blocks">Key/value heads of all layers.</param>
/// <param name="BlockPositions">Most positions that attention takes through the cache together.</param>
public sealed record CachePlan(CacheBlock Block, int Blocks, int BlockPositions)
{
    /// <summary>Name of the format.</summary>
    public string Format => Block.Format.Name;

    /// <summary>Bytes of a page.</summary>
    public long PageBytes => checked(Blocks * (long)Block.LengthBytes);
}
