using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Emit.Training;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit;

/// <summary>The numbers of the model that the runtime needs, as a field.</summary>
internal sealed class DescriptionWriter(ModelPlan plan, EmitOptions options, IReadOnlyList<VectorTarget> targets)
{
    public void Write(SourceWriter writer)
    {
        Dimensions d = plan.Graph.Dimensions;
        ScratchPlan scratch = plan.Scratch;
        writer.Line("private static readonly ModelDescription description = new()");
        writer.Line("{");
        (string Name, string Value)[] values =
        [
            ("Name", Literals.String(plan.Name)),
            ("Family", Literals.String(plan.Graph.Family)),
            ("Format", Literals.String(plan.Format)),
            ("Dim", Literals.Int(d.Dim)),
            ("HiddenDim", Literals.Int(d.HiddenDim)),
            ("Layers", Literals.Int(d.Layers)),
            ("Heads", Literals.Int(d.Heads)),
            ("KvHeads", Literals.Int(d.KvHeads)),
            ("HeadDim", Literals.Int(d.HeadDim)),
            ("Vocab", Literals.Int(d.Vocab)),
            ("VocabStride", Literals.Int(scratch.VocabStride)),
            ("ContextLength", Literals.Int(d.ContextLength)),
            ("BeginToken", Literals.Int(d.BeginToken)),
            ("EndTokens", $"[{string.Join(", ", d.EndTokens.Select(token => Literals.Int(token)))}]"),
            ("WeightsFile", Literals.String(options.WeightsFile)),
            ("EmbeddedResource", options.EmbeddedResource is { } resource ? Literals.String(resource) : "null"),
            ("PlanHash", Literals.String(plan.Hash)),
            ("ContentHash", Literals.String(options.ContentHash)),
            ("WeightsLengthBytes", Literals.Int(plan.Weights.LengthBytes)),
            ("BytesPerToken", Literals.Int(plan.BytesPerToken)),
            ("MaxRows", Literals.Int(scratch.MaxRows)),
            ("ArenaFloatsPerRow", Literals.Int(scratch.ArenaFloatsPerRow)),
            ("LocalFloats", Literals.Int(scratch.LocalFloats)),
            ("LocalFloatsPerRow", Literals.Int(scratch.LocalFloatsPerRow)),
            ("AttentionPositions", Literals.Int(plan.Cache.BlockPositions)),
            ("InstructionSets", $"[{string.Join(", ", targets.Select(target => "InstructionSet." + target.Name))}]"),
        ];
        foreach ((string name, string value) in values)
        {
            writer.Line($"    {name} = {value},");
        }

        if (plan.Trace is not null)
        {
            writer.Line("    CanTrace = true,");
        }

        if (plan.Adapter is { } adapter)
        {
            writer.Line($"    Adapter = new AdapterLayout({TensorListWriter.Settings(adapter.Options)}, {Literals.Int(adapter.Weights.LengthBytes)}, AdapterTensors()),");
        }

        CacheBlock block = plan.Cache.Block;
        writer.Line($"    Cache = new CacheLayout({Literals.String(plan.Cache.Format)}, blocks: {plan.Cache.Blocks}, positionRows: {block.PositionRows}, headWords: {block.HeadDim}, positionsPerWord: {block.Format.NumbersPerWord}),");

        WriteRopeTables(writer, plan.Graph);
        writer.Line("};");
    }
    /// <summary>The rotary tables, as a property of a description.</summary>
    public static void WriteRopeTables(SourceWriter writer, ModelGraph graph)
    {
        writer.Line("    RopeTables =");
        writer.Line("    [");
        foreach (RopeTable table in graph.RopeTables)
        {
            writer.Line($"        new RopeFrequencies([{string.Join(", ", table.InverseFrequencies.Select(Literals.Double))}], {Literals.Double(table.AttentionFactor)}),");
        }

        writer.Line("    ],");
    }
}
