using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Architectures;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// Low-rank adapters (LoRA, arXiv 2106.09685): y = W x becomes y = W x + B((α/r) · A x) for the chosen products. A [r × in] and B [out × r] have the names
/// and shapes of the PEFT library, whichever way W is stored. Products whose matrices are parts of one tensor (GPT-2's q, k and v) are one module there:
/// they share A, and have parts of B.
/// </summary>
internal static class InsertAdapters
{
    /// <summary>The file of published adapters, whose tensors the parameters are.</summary>
    public const string File = "adapter_model.safetensors";

    private const string Prefix = "base_model.model.";

    /// <summary>The adapters alone: what is trained while the model is frozen.</summary>
    public static TrainedParameters Adapters { get; } = new(parameter => parameter.Tensor.File == File);

    /// <exception cref="ArgumentException">A rank below 1, or a target that fits no product.</exception>
    public static ModelGraph Apply(ModelGraph graph, AdapterOptions options) => Insert(graph, options).Graph;

    /// <summary>A and B of each matrix that gets an adapter.</summary>
    /// <exception cref="ArgumentException">A rank below 1, or a target that fits no product.</exception>
    public static IReadOnlyDictionary<Parameter, (Parameter A, Parameter B)> Pairs(ModelGraph graph, AdapterOptions options) => Insert(graph, options).Pairs;

    private static (ModelGraph Graph, IReadOnlyDictionary<Parameter, (Parameter A, Parameter B)> Pairs) Insert(ModelGraph graph, AdapterOptions options)
    {
        if (options.Rank < 1)
        {
            throw new ArgumentException($"found the rank {options.Rank}, expected at least 1", nameof(options));
        }

        Architecture architecture = ArchitectureRegistry.Find(graph.Family)!;
        string[] modules = [.. graph.Operations.OfType<Linear>().Select(linear => architecture.ModuleOf(linear.Weight.Tensor.Name))];
        foreach (string target in options.TargetModules.Where(target => !modules.Any(module => Fits(module, target))))
        {
            IEnumerable<string> known = modules.Select(module => module[(module.LastIndexOf('.') + 1)..]).Distinct();
            throw new ArgumentException($"the adapters: found the target '{target}', expected one of {string.Join(", ", known)}, or more of a module's name. Correct the list of targets.", nameof(options));
        }

        Writer writer = new(graph, options);
        foreach (Operation operation in graph.Operations)
        {
            if (operation is Linear linear && architecture.ModuleOf(linear.Weight.Tensor.Name) is var module && options.TargetModules.Any(target => Fits(module, target)))
            {
                writer.Adapt(linear, Prefix + module);
            }
            else
            {
                writer.Operations.Add(operation);
            }
        }

        return (graph with { Operations = writer.Operations.ToEquatable() }, writer.Pairs);
    }

    private static bool Fits(string module, string target) => FormatChoice.Fits(module, target) || FormatChoice.Fits(module, "*." + target);

    private sealed class Writer(ModelGraph graph, AdapterOptions options)
    {
        private readonly Dictionary<(string Module, int Input), (Value Output, Parameter A)> narrowed = [];
        private int next = graph.NextValueId;

        public List<Operation> Operations { get; } = [];

        public Dictionary<Parameter, (Parameter A, Parameter B)> Pairs { get; } = [];

        public void Adapt(Linear linear, string module)
        {
            if (!narrowed.TryGetValue((module, linear.Input.Id), out (Value Output, Parameter A) narrow))
            {
                narrow = Narrow(linear, module);
                narrowed.Add((module, linear.Input.Id), narrow);
            }

            Parameter weight = linear.Weight;
            Parameter b = Matrix(module + ".lora_B.weight", weight.Tensor.Shape[weight.Transposed ? 1 : 0], options.Rank);
            b = b with { Name = b.Name + weight.Name[weight.Tensor.Name.Length..], Rows = weight.Rows, FirstRow = weight.FirstRow };
            Pairs[weight] = (narrow.A, b);
            Value plain = New(linear, "Base", weight.Rows), adapted = New(linear, "Adapter", weight.Rows);
            Operations.Add(linear with { Output = plain });
            Operations.Add(new Linear(adapted, linear.Place, narrow.Output, b));
            Operations.Add(new Add(linear.Output, linear.Place, plain, adapted));
        }

        /// <summary>(α/r) · A x.</summary>
        private (Value Output, Parameter A) Narrow(Linear linear, string module)
        {
            Parameter a = Matrix(module + ".lora_A.weight", options.Rank, linear.Weight.Columns);
            Value narrow = New(linear, "Narrow", options.Rank), scaled = New(linear, "Scaled", options.Rank);
            Operations.Add(new Linear(narrow, linear.Place, linear.Input, a));
            Operations.Add(new Scale(scaled, linear.Place, narrow, options.Alpha / options.Rank));
            return (scaled, a);
        }

        private Parameter Matrix(string name, int rows, int columns)
            => new(name, rows, columns, new TensorInfo(name, TensorType.F32, new[] { rows, columns }.ToEquatable(), File, 0, 4L * rows * columns));

        private Value New(Linear linear, string suffix, int width) => new(next++, linear.Output.Name + suffix, width);
    }
}
