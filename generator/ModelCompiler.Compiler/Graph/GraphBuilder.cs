using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>
/// A part of a tensor that holds several parameters one after another along its outputs.
/// </summary>
/// <param name="Name">Such as <c>q</c>; makes the parameter's name unique.</param>
/// <param name="FirstRow">Where the part begins.</param>
/// <param name="TotalRows">Outputs of the whole tensor.</param>
public sealed record TensorPart(string Name, int FirstRow, Size TotalRows);

/// <summary>
/// What an architecture writes its graph with: finds tensors and checks their shapes and types (<c>MC102</c>,
/// <c>MC103</c>, <c>MC014</c>), numbers values, keeps the order of operations. After a mistake it goes on with a stand-in, so
/// that one build shows all of them; <see cref="Finish"/> then gives no graph.
/// </summary>
public sealed partial class GraphBuilder
{
    private readonly ModelInputs inputs;
    private readonly string family;
    private readonly SourceSpan familyAt;
    private readonly ICollection<ModelDiagnostic> diagnostics;
    private readonly List<Operation> operations = [];
    private readonly List<RopeTable> ropeTables = [];
    private readonly HashSet<string> usedTensors = new(StringComparer.Ordinal);
    private readonly HashSet<string> ignoredTensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Flag> leftOut = new(StringComparer.Ordinal);
    private readonly MissingTensors missing = new();
    private readonly WrongShapes shapes = new();
    private Place place = new(-1, Section.Embedding);
    private LayerTensors? layers;
    private int values;
    private bool failed;

    /// <summary>For a model of family <paramref name="family"/>, which the config names at <paramref name="familyAt"/>.</summary>
    public GraphBuilder(ModelInputs inputs, string family, SourceSpan familyAt, ICollection<ModelDiagnostic> diagnostics)
    {
        this.inputs = inputs;
        this.family = family;
        this.familyAt = familyAt;
        this.diagnostics = diagnostics;
    }

    /// <summary>The operations that follow belong to this section (of this layer; −1 outside the layers).</summary>
    public void Enter(Section section, int layer = -1) => place = new Place(layer, section);

    /// <summary>True when the weight files hold a tensor of that name.</summary>
    public bool HasTensor(string name) => inputs.Find(name) is not null;

    /// <summary>
    /// Says how the tensors of the layers are named: <paramref name="prefix"/>, the layer's number, a full stop. Then a wrong number of
    /// layers is told as such.
    /// </summary>
    public void Layers(Size count, string prefix) => layers = new LayerTensors(inputs, count, prefix);

    /// <summary>Says that a tensor may lie in the files and is rightly not used.</summary>
    public void Ignore(string tensor) => ignoredTensors.Add(tensor);

    /// <summary>
    /// A matrix [rows × columns]. Stored so, or as [columns × rows] when <paramref name="transposed"/>; with a
    /// <paramref name="part"/>, as some of the rows of a larger one. Where it is a setting that asks for it, <paramref name="because"/> of that.
    /// </summary>
    public Parameter Matrix(string tensor, Size rows, Size columns, bool transposed = false, TensorPart? part = null, Flag because = default)
    {
        Size stored = part?.TotalRows ?? rows;
        TensorInfo info = Tensor(tensor, transposed ? [columns, stored] : [stored, columns], because);
        return new Parameter(NameOf(tensor, part), rows, columns, info, transposed, part?.FirstRow ?? 0);
    }

    /// <summary>A vector [length], or, with a <paramref name="part"/>, some elements of a longer one.</summary>
    public Parameter Vector(string tensor, Size length, TensorPart? part = null)
        => new(NameOf(tensor, part), length, 1, Tensor(tensor, [part?.TotalRows ?? length]), false, part?.FirstRow ?? 0);

    /// <summary>A vector [length] that the model has only where a setting says so, else null.</summary>
    public Parameter? OptionalVector(string tensor, Size length, Flag has)
    {
        if (has)
        {
            return new(tensor, length, 1, Tensor(tensor, [length], has), false, 0);
        }

        leftOut[tensor] = has;
        return null;
    }

    /// <summary>Adds a rotary table, or finds an equal one; gives its index.</summary>
    public int RopeTable(RopeTable table)
    {
        int index = ropeTables.IndexOf(table);
        if (index < 0)
        {
            index = ropeTables.Count;
            ropeTables.Add(table);
        }

        return index;
    }

    /// <summary>The graph, or null when something was reported as an error. Warns of tensors that nothing uses (<c>MC105</c>).</summary>
    public ModelGraph? Finish(Dimensions dimensions, Value logits)
    {
        missing.Report(inputs, familyAt, diagnostics);
        shapes.Report(diagnostics);
        if (failed)
        {
            return null;
        }

        UnusedTensors.Report(inputs, name => usedTensors.Contains(name) || ignoredTensors.Contains(name), leftOut, layers, diagnostics);
        return new ModelGraph(family, dimensions, operations.ToEquatable(), logits, ropeTables.ToEquatable());
    }

    private TensorInfo Tensor(string name, Size[] shape, Flag because = default)
    {
        TensorInfo standIn = new(name, TensorType.F32, shape.Select(size => size.Value).ToEquatable(), "", 0, 0);
        if (inputs.Find(name) is not { } tensor)
        {
            if (layers is { } stack && place.Layer >= 0 && stack.Held is var held && held > 0 && place.Layer >= held)
            {
                failed = true;
                if (usedTensors.Add("!" + stack.Prefix)) // once, not for every tensor of every layer
                {
                    diagnostics.Report(
                        Catalogue.MissingTensor, stack.Count.Where, $"tensor '{name}'", $"the tensors of {held} layers", $"{stack.Count.Value} layers ({stack.Count.Name})",
                        $"See that all shards are there, or correct {stack.Count.Name}.");
                }

                return standIn;
            }

            failed = true;
            if (usedTensors.Add("!" + name)) // once for each tensor, however many parameters share it
            {
                missing.Add(name, shape, because);
            }

            return standIn;
        }

        usedTensors.Add(name);
        missing.Found(because);
        if (!shapes.Check(tensor, shape))
        {
            failed = true;
            return standIn;
        }

        if (tensor.Type != TensorType.Unsupported)
        {
            return tensor;
        }

        failed = true;
        if (usedTensors.Add("!" + name))
        {
            diagnostics.Report(
                Catalogue.UnsupportedTensorType, new SourceSpan(tensor.File), $"tensor '{name}'", tensor.TypeName, "F32, F16 or BF16",
                "Use the unquantised weights of the model; they are quantised here, by the Weights option.");
        }

        return standIn;
    }

    private static string NameOf(string tensor, TensorPart? part) => part is null ? tensor : $"{tensor}:{part.Name}";

    private Value Write(string name, int width) => new(values++, name, width);

    private Value Append(Operation operation)
    {
        operations.Add(operation);
        return operation.Output;
    }
}
