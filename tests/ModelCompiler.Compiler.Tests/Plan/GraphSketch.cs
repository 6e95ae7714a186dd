using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Tests.Plan;

/// <summary>Graphs that no family of today has, written by hand: what a planner must plan rightly or refuse.</summary>
internal sealed class GraphSketch
{
    public const int Dim = 40;
    public const int Vocab = 50;

    private readonly List<Operation> operations = [];
    private int values;
    private Place place = new(-1, Section.Embedding);

    public GraphSketch At(Section section, int layer = -1)
    {
        place = new Place(layer, section);
        return this;
    }

    public Value Embed() => Add(value => new Embedding(value, place, Matrix(Vocab, Dim)));

    public Value Norm(Value x, int groups = 1) => Add(
        value => new Norm(value, place, x, NormKind.Rms, 1e-5, Vector(x.Width / groups), Groups: groups), x.Width);

    public Value Linear(Value x, int outputs = Dim) => Add(value => new Linear(value, place, x, Matrix(outputs, x.Width)), outputs);

    public Value Sum(Value stream, Value branch) => Add(value => new Add(value, place, stream, branch), stream.Width);

    public Value Scale(Value x) => Add(value => new Scale(value, place, x, 0.5), x.Width);

    public Value Activate(Value x) => Add(value => new Activation(value, place, x, ActivationKind.Silu), x.Width);

    public Value Rotate(Value x, int heads) => Add(value => new Rope(value, place, x, heads, x.Width / heads, 0), x.Width);

    public Value Attend(Value q, Value k, Value v, int heads) => Add(
        value => new Attention(value, place, q, k, v, heads, heads, q.Width / heads, 1), q.Width);

    /// <summary>The usual end: a norm over the selected rows, then the product.</summary>
    public ModelGraph Finish(Value x)
    {
        At(Section.Head);
        return FinishAt(Linear(Norm(x), Vocab));
    }

    public ModelGraph FinishAt(Value logits) => new(
        "sketch", new Dimensions(Dim, Dim, 1, 2, 2, Dim / 2, Vocab, 64, -1, EquatableArray<int>.Empty),
        operations.ToEquatable(), logits, new[] { new RopeTable(new[] { 1.0, 0.1 }.ToEquatable()) }.ToEquatable());

    public static ModelPlan Plan(ModelGraph graph) => ModelPlanner.Plan("sketch", graph, PlannedModel.F32, F32Cache.Instance);

    private Value Add(Func<Value, Operation> make, int width = Dim)
    {
        Value value = new(values, "v" + values++, width);
        operations.Add(make(value));
        return value;
    }

    private Parameter Matrix(int rows, int columns) => Parameter(rows, columns);

    private Parameter Vector(int length) => Parameter(length, 1);

    private Parameter Parameter(int rows, int columns)
    {
        string name = "p" + operations.Count + "." + rows + "x" + columns;
        return new Parameter(name, rows, columns, new TensorInfo(name, TensorType.F32, new[] { rows, columns }.ToEquatable(), "f", 0, 4L * rows * columns));
    }
}
