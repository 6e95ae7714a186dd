using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Reference.Training;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>A graph of a few operations, made by hand: embeddings, the operations under test, a head.</summary>
internal sealed class TrainingSketch
{
    private const int Vocab = 5;
    private const int Context = 6;

    private readonly List<Operation> operations = [];
    private readonly List<RopeTable> ropeTables = [];
    private int values;
    private int parameters;

    public static Place Place { get; } = new(0, Section.Attention);

    public static IReadOnlyList<TrainingSequence> Sequences { get; } = [new([0, 3, 1, 4, 2, 3], [3, 1, 4, -1, 3, 0]), new([2, 2], [2, 1])];

    /// <summary>Rows that depend on the token.</summary>
    public Value Tokens(int width) => Then(width, value => new Embedding(value, Place, Matrix(Vocab, width)));

    /// <summary>Appends an operation that writes a value of this width.</summary>
    public Value Then(int width, Func<Value, Operation> make)
    {
        Operation operation = make(new Value(values, "v" + values++, width));
        operations.Add(operation);
        return operation.Output;
    }

    public Value Linear(Value x, int outputs, bool bias = false)
        => Then(outputs, value => new Linear(value, Place, x, Matrix(outputs, x.Width), bias ? Vector(outputs) : null));

    public Parameter Matrix(int rows, int columns, string name = "matrix") => Parameter(name, rows, columns);

    public Parameter Vector(int length, string name = "vector") => Parameter(name, length, 1);

    /// <summary>The table of positions.</summary>
    public Parameter Positions(int offset, int width) => Matrix(Context + offset, width);

    public int Rope(RopeTable table)
    {
        ropeTables.Add(table);
        return ropeTables.Count - 1;
    }

    /// <summary>A head behind <paramref name="x"/>.</summary>
    public ModelGraph Finish(Value x) => FinishAt(Linear(x, Vocab));

    public ModelGraph FinishAt(Value logits) => TrainingModels.Verified(new ModelGraph(
        "sketch", new Dimensions(1, 1, 1, 1, 1, 1, Vocab, Context, -1, default), operations.ToEquatable(), logits, ropeTables.ToEquatable()));

    /// <summary>Differentiates, and compares with differences.</summary>
    public void Check(Value x) => CheckAt(Linear(x, Vocab));

    public void CheckAt(Value logits)
    {
        ModelGraph training = TrainingModels.Verified(Autodiff.Apply(FinishAt(logits), TrainedParameters.All));
        GradientCheck.Run(training, new SeededParameters(), Sequences);
    }

    private Parameter Parameter(string name, int rows, int columns)
    {
        string unique = $"{name}{parameters++}";
        return new(unique, rows, columns, new TensorInfo(unique, TensorType.F32, new[] { rows, columns }.ToEquatable(), "f", 0, 4L * rows * columns));
    }
}
