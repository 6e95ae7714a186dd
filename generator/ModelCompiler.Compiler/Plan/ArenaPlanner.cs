using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// Gives every activation its place in the arena: heads padded to whole vectors, projections of one input side by side,
/// residual sums in place, and memory reused as soon as its last reader has run.
/// </summary>
internal sealed class ArenaPlanner
{
    private const int Lanes = 16;

    private readonly ModelGraph graph;
    private readonly Dictionary<int, (int Groups, int Width)> layouts = [];
    private readonly Dictionary<int, (Region Region, int Column)> homes = [];
    private readonly Dictionary<int, int> lastUses = [];
    private readonly Dictionary<int, int> openReads = [];
    private readonly List<Region> regions = [];

    private ArenaPlanner(ModelGraph graph) => this.graph = graph;

    /// <summary>Slots by value id.</summary>
    public Dictionary<int, Slot> Slots { get; } = [];

    /// <summary>Arena floats for each row.</summary>
    public int FloatsPerRow { get; private set; }

    /// <summary>Local floats for norms of single rows.</summary>
    public int LocalFloats { get; private set; }

    public static int Pad(int width) => (width + Lanes - 1) / Lanes * Lanes;

    public static ArenaPlanner Plan(ModelGraph graph, int firstLocalFloat)
    {
        ArenaPlanner planner = new(graph);
        planner.FindLayouts();
        planner.FindLastUses();
        planner.AssignRegions();
        planner.FloatsPerRow = RegionAllocator.Allocate(planner.regions, region => region.Stride, (region, offset) => region.Offset = offset, 0);
        planner.LocalFloats = RegionAllocator.Allocate<Region>(
            [.. planner.regions.Where(region => region.IsPerWorker)], region => region.Stride, (region, offset) => region.LocalOffset = offset, firstLocalFloat);
        planner.MakeSlots();
        return planner;
    }

    private void FindLayouts()
    {
        foreach (FusedAttention attention in graph.Operations.OfType<FusedAttention>())
        {
            Attention shape = attention.Definition;
            layouts[attention.Query.Id] = (shape.Heads, shape.HeadDim);
            layouts[attention.Key.Id] = (shape.KvHeads, shape.HeadDim);
            layouts[attention.Values.Id] = (shape.KvHeads, shape.HeadDim);
            layouts[attention.Output.Id] = (shape.Heads, shape.HeadDim);
        }

        // What an adapter adds to lies as the sum does.
        foreach (FusedLinear linear in graph.Operations.OfType<FusedLinear>().Reverse())
        {
            if (linear.Residual is { } residual && layouts.TryGetValue(linear.Output.Id, out (int, int) layout))
            {
                layouts[residual.Id] = layout;
            }
        }

        foreach (Quantise quantise in graph.Operations.OfType<Quantise>())
        {
            BlockFormat format = quantise.Format;
            layouts[quantise.Output.Id] = (1, format.InputFloats(format.PadInputs(PaddedWidth(quantise.Input))));
        }
    }

    private (int Groups, int Width) Layout(Value value) => layouts.TryGetValue(value.Id, out (int, int) layout) ? layout : (1, value.Width);

    private int PaddedWidth(Value value)
    {
        (int groups, int width) = Layout(value);
        return groups * Pad(width);
    }

    private void AssignRegions()
    {
        for (int index = 0; index < graph.Operations.Count; index++)
        {
            Operation operation = graph.Operations[index];
            if (operation.Output.Id == graph.Logits.Id)
            {
                continue;
            }

            // Never in such a region: where a step has one row, it is every worker's own copy.
            if (operation is FusedLinear { Residual: { } residual } && lastUses[residual.Id] == index && !MayBeReadDuring(residual, index)
                && !homes[residual.Id].Region.IsPerWorker && homes[residual.Id].Region.Stride == PaddedWidth(operation.Output))
            {
                homes[residual.Id].Region.IsStream = true;
                homes[residual.Id].Region.LastUse = lastUses[operation.Output.Id];
                homes[operation.Output.Id] = homes[residual.Id]; // each element is read before it is written, by the same worker
                continue;
            }

            Region region = new(operation.Output.Name, index, IsPerWorker(operation));
            regions.Add(region);
            foreach (Value output in operation.Outputs)
            {
                homes[output.Id] = (region, region.Stride);
                region.Stride += PaddedWidth(output);
                region.LastUse = Math.Max(region.LastUse, lastUses[output.Id]);
            }
        }
    }

    /// <summary>
    /// The last operation that reads or writes each value. Where a step has one row, a worker may still be reading for itself what a norm reads
    /// while another is on its way through the next operation: only behind that do they meet.
    /// </summary>
    private void FindLastUses()
    {
        for (int index = 0; index < graph.Operations.Count; index++)
        {
            int meeting = index;
            while (IsPerWorker(graph.Operations[meeting]) && meeting + 1 < graph.Operations.Count)
            {
                meeting++;
            }

            foreach (Value value in graph.Operations[index].Inputs.Concat(graph.Operations[index].Outputs))
            {
                lastUses[value.Id] = lastUses.TryGetValue(value.Id, out int last) ? Math.Max(last, meeting) : meeting;
                if (meeting > index)
                {
                    openReads[value.Id] = meeting;
                }
            }
        }
    }

    private bool MayBeReadDuring(Value value, int index) => openReads.TryGetValue(value.Id, out int last) && last >= index;

    private static bool IsPerWorker(Operation operation) => operation is Norm or Quantise;

    private void MakeSlots()
    {
        Dictionary<Region, ArenaBuffer> buffers = regions.ToDictionary(
            region => region, region => new ArenaBuffer(region.Name, region.Stride, region.Offset, region.LocalOffset));
        foreach (Value value in graph.Operations.SelectMany(operation => operation.Outputs))
        {
            if (homes.TryGetValue(value.Id, out (Region Region, int Column) home))
            {
                (int groups, int width) = Layout(value);
                string name = home.Region.IsStream ? "x" : value.Name;
                Slots[value.Id] = new Slot(name, buffers[home.Region], home.Column, groups, width, Pad(width));
            }
        }
    }

    private sealed class Region(string name, int firstUse, bool isPerWorker) : IRegion
    {
        public string Name { get; } = name;

        public int FirstUse { get; } = firstUse;

        /// <summary>Where a step has one row, every worker computes it for itself: cheaper than to wait for one.</summary>
        public bool IsPerWorker { get; } = isPerWorker;

        /// <summary>Written in place again and again: the residual stream.</summary>
        public bool IsStream { get; set; }

        public int LastUse { get; set; } = firstUse;

        public int Stride { get; set; }

        public int Offset { get; set; }

        public int LocalOffset { get; set; } = -1;
    }
}
