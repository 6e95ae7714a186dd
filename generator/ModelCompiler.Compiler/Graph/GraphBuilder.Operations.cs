namespace ModelCompiler.Compiler.Graph;

/// <summary>One method for each operation: appends it and gives the value that it writes.</summary>
public sealed partial class GraphBuilder
{
    public Value Embedding(string name, Parameter table)
        => Append(new Embedding(Write(name, table.Columns), place, table));

    public Value PositionEmbedding(string name, Parameter table, int offset = 0)
        => Append(new PositionEmbedding(Write(name, table.Columns), place, table, offset));

    public Value Add(string name, Value left, Value right)
        => Append(new Add(Write(name, left.Width), place, left, right));

    public Value Scale(string name, Value input, double factor)
        => Append(new Scale(Write(name, input.Width), place, input, factor));

    public Value RmsNorm(string name, Value input, Parameter weight, double epsilon, int groups = 1, double weightOffset = 0)
        => Append(new Norm(Write(name, input.Width), place, input, NormKind.Rms, epsilon, weight, null, groups, weightOffset));

    public Value LayerNorm(string name, Value input, Parameter weight, Parameter? bias, double epsilon)
        => Append(new Norm(Write(name, input.Width), place, input, NormKind.Layer, epsilon, weight, bias));

    public Value Linear(string name, Value input, Parameter weight, Parameter? bias = null)
        => Append(new Linear(Write(name, weight.Rows), place, input, weight, bias));

    public Value Rope(string name, Value input, int heads, int headDim, int table)
        => Append(new Rope(Write(name, input.Width), place, input, heads, headDim, table));

    public Value Attention(
        string name, Value query, Value key, Value values, int heads, int kvHeads, int headDim,
        double scoreScale, int? window = null, double? softCap = null)
        => Append(new Attention(Write(name, query.Width), place, query, key, values, heads, kvHeads, headDim, scoreScale, window, softCap));

    public Value Activation(string name, Value input, ActivationKind kind)
        => Append(new Activation(Write(name, input.Width), place, input, kind));

    public Value Multiply(string name, Value left, Value right)
        => Append(new Multiply(Write(name, left.Width), place, left, right));

    public Value SoftCap(string name, Value input, double cap)
        => Append(new SoftCap(Write(name, input.Width), place, input, cap));
}
