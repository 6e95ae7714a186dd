using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// Gives every activation and gradient its place in the arena. What the backward pass reads stays from its forward operation until then, because
/// liveness is taken over both; sums, rotations and their like are written in place of what dies with them; what one product reads or writes together
/// lies side by side.
/// </summary>
internal sealed class TrainingArena
{
    private readonly ModelGraph graph;
    private readonly TrainingLayouts layouts;
    private readonly Dictionary<int, int> lastUses = [];
    private readonly Dictionary<int, Home> homes = [];
    private readonly Dictionary<int, Region> statistics = [];

    private TrainingArena(ModelGraph graph)
    {
        this.graph = graph;
        layouts = new TrainingLayouts(graph);
    }

    /// <summary>Slots by value id. Values of width 0 and the losses have none.</summary>
    public Dictionary<int, Slot> Slots { get; } = [];

    /// <summary>Mean and 1/σ of each row and group of a norm, by the id of the norm's output: written by its gradient, read by its parameters'.</summary>
    public Dictionary<int, Slot> Statistics { get; } = [];

    /// <summary>Arena floats for each row.</summary>
    public int FloatsPerRow { get; private set; }

    public static TrainingArena Plan(ModelGraph graph)
    {
        TrainingArena arena = new(graph);
        arena.FindLastUses();
        arena.MakeHomes();
        arena.ShareHomes();
        arena.PlaceSideBySide();
        arena.Place();
        return arena;
    }

    /// <summary>Whether a value lies in the arena: the losses have memory of their own, and what adds to gradients writes nothing here.</summary>
    public static bool IsPlaced(Operation operation, Value output) => output.Width > 0 && (operation is not HeadLoss loss || output.Id != loss.Losses.Id);

    private void FindLastUses()
    {
        for (int index = 0; index < graph.Operations.Count; index++)
        {
            Operation operation = graph.Operations[index];
            foreach (Value value in operation.Inputs.Concat(operation.Outputs))
            {
                lastUses[value.Id] = index;
            }
        }
    }

    private void MakeHomes()
    {
        for (int index = 0; index < graph.Operations.Count; index++)
        {
            foreach (Value output in graph.Operations[index].Outputs.Where(output => IsPlaced(graph.Operations[index], output)))
            {
                homes.Add(output.Id, new Home(output.Name, layouts.Of(output).PaddedWidth, index, lastUses[output.Id]));
            }

            switch (graph.Operations[index])
            {
                case NormGradient gradient: UseStatistics(gradient.Forward, index); break;
                case NormParameterGradient gradient: UseStatistics(gradient.Forward, index); break;
            }
        }

        foreach (Value[] values in Together())
        {
            SideBySide group = homes[values[0].Id].Group ?? new SideBySide(values.Length);
            for (int i = 0; i < values.Length; i++)
            {
                Home home = homes[values[i].Id];
                if (home.Group is not null && (home.Group != group || home.Index != i))
                {
                    throw new UnsupportedOperationException($"whose value '{values[i].Name}' should lie side by side with others in two ways");
                }

                home.Group = group;
                home.Index = i;
                group.Members[i] = home;
            }
        }
    }

    private void UseStatistics(Norm norm, int index)
    {
        if (!statistics.TryGetValue(norm.Output.Id, out Region? region))
        {
            region = new Region(index) { Stride = ArenaPlanner.Pad(2 * norm.Groups) };
            statistics.Add(norm.Output.Id, region);
        }

        region.Extend(index, index);
    }

    /// <summary>Values that one product writes or reads as one row.</summary>
    private IEnumerable<Value[]> Together() => graph.Operations.Select(operation => operation switch
    {
        FusedLinear linear => linear.Parts.Select(part => part.Output),
        FusedInputGradient gradient => gradient.Parts.Select(part => part.OutputGradient),
        FusedWeightGradient gradient => gradient.Parts.Select(part => part.OutputGradient),
        _ => [],
    }).Select(values => values.ToArray()).Where(values => values.Length > 1);

    /// <summary>An output takes the place of an input that dies with the operation, if each element is read before it is written, by the same worker.</summary>
    private void ShareHomes()
    {
        for (int index = 0; index < graph.Operations.Count; index++)
        {
            IEnumerable<(Value Input, Value Output)>? replaced = Replacements(graph.Operations[index]).FirstOrDefault(pairs => pairs.All(pair => CanReplace(index, pair.Input, pair.Output)));
            foreach ((Value input, Value output) in replaced ?? [])
            {
                homes[output.Id] = homes[input.Id].TakeIn(homes[output.Id]);
            }
        }
    }

    private bool CanReplace(int index, Value input, Value output)
        => homes[input.Id].LastUse == index && layouts.Of(input) == layouts.Of(output) && homes[input.Id].CanTakeIn(homes[output.Id]);

    /// <summary>
    /// Which outputs may take the places of which inputs, best first. Those of a gate and of what it is multiplied with do so together or not at all: one alone
    /// would have room for the other's gradient kept beside it from the forward pass on.
    /// </summary>
    private static IEnumerable<(Value Input, Value Output)[]> Replacements(Operation operation) => operation is FusedInputGradient { Gate: { } gate } && gate.Gate.Id != gate.Up.Id
        ? [[(gate.Gate, gate.Output), (gate.Up, gate.UpGradient)], .. Replaceable(operation).Select(input => new[] { (input, operation.Output) })]
        : Replaceable(operation).Select(input => new[] { (input, operation.Output) });

    private static IEnumerable<Value> Replaceable(Operation operation) => operation switch
    {
        FusedLinear { Residual: { } residual } => [residual],
        FusedInputGradient { Residual: { } residual } => [residual],
        NormGradient { Residual: { } residual } gradient => [residual, gradient.OutputGradient],
        NormGradient gradient => [gradient.OutputGradient],
        ActivationGradient gradient => [gradient.OutputGradient],
        SoftCapGradient gradient => [gradient.OutputGradient],
        Rope or RopeGradient or Add or Multiply or Scale or SoftCap or Activation => operation.Inputs,
        _ => [],
    };

    private void PlaceSideBySide()
    {
        foreach (Home home in homes.Values.Distinct())
        {
            home.Region ??= home.Group?.Members.Select(member => member.Region).FirstOrDefault(region => region is not null) ?? new Region(home.FirstUse);
            home.Region.Extend(home.FirstUse, home.LastUse);
        }

        foreach (Home home in homes.Values.Distinct())
        {
            home.Column = home.Group is null ? 0 : home.Group.Members.Take(home.Index).Sum(member => member.Width);
            home.Region!.Stride = Math.Max(home.Region.Stride, home.Column + home.Width);
        }
    }

    private void Place()
    {
        Region[] regions = [.. homes.Values.Select(home => home.Region!).Concat(statistics.Values).Distinct().OrderBy(region => region.FirstUse)];
        FloatsPerRow = RegionAllocator.Allocate(regions, region => region.Stride, (region, offset) => region.Offset = offset, 0);
        foreach (Value value in graph.Operations.SelectMany(operation => operation.Outputs))
        {
            if (homes.TryGetValue(value.Id, out Home? home))
            {
                Groups groups = layouts.Of(value);
                Slots[value.Id] = new Slot(value.Name, new ArenaBuffer(home.Name, home.Region!.Stride, home.Region.Offset), home.Column, groups.Count, groups.Width, groups.Stride);
            }
        }

        foreach (KeyValuePair<int, Region> pair in statistics)
        {
            Statistics[pair.Key] = new Slot("statistics", new ArenaBuffer("statistics", pair.Value.Stride, pair.Value.Offset), 0, 1, pair.Value.Stride, pair.Value.Stride);
        }
    }

    /// <summary>One or several values, one behind the other, in one place.</summary>
    private sealed class Home(string name, int width, int firstUse, int lastUse)
    {
        public string Name { get; } = name;

        public int Width { get; } = width;

        public int FirstUse { get; private set; } = firstUse;

        public int LastUse { get; private set; } = lastUse;

        public SideBySide? Group { get; set; }

        /// <summary>Its place in the group.</summary>
        public int Index { get; set; }

        public Region? Region { get; set; }

        public int Column { get; set; }

        public bool CanTakeIn(Home later) => later != this && (Group is null || later.Group is null);

        public Home TakeIn(Home later)
        {
            LastUse = later.LastUse;
            if (later.Group is { } group)
            {
                Group = group;
                Index = later.Index;
                group.Members[later.Index] = this;
            }

            return this;
        }
    }

    /// <summary>Homes in one region, in the order of their columns.</summary>
    private sealed class SideBySide(int count)
    {
        public Home[] Members { get; } = new Home[count];
    }

    private sealed class Region(int firstUse) : IRegion
    {
        public int FirstUse { get; private set; } = firstUse;

        public int LastUse { get; private set; } = firstUse;

        public int Stride { get; set; }

        public int Offset { get; set; }

        public void Extend(int first, int last)
        {
            FirstUse = Math.Min(FirstUse, first);
            LastUse = Math.Max(LastUse, last);
        }
    }
}
