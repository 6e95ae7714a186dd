using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>
/// Checks what every graph must hold, after it is made and after each pass: values are written once and before they are read,
/// widths agree, parameters have the shape that their operation asks for and lie inside their tensors, rotary tables exist. What it finds
/// (<c>MC110</c> to <c>MC115</c>) is a mistake of an architecture or a pass, not of the user.
/// </summary>
public sealed partial class GraphVerifier
{
    private const string Advice = "This is a mistake in ModelCompiler, not in your model: please report it with this line.";

    private readonly ModelGraph graph;
    private readonly SourceSpan where;
    private readonly ICollection<ModelDiagnostic> diagnostics;
    private bool valid = true;

    private GraphVerifier(ModelGraph graph, SourceSpan where, ICollection<ModelDiagnostic> diagnostics)
    {
        this.graph = graph;
        this.where = where;
        this.diagnostics = diagnostics;
    }

    /// <summary>True when nothing was reported. Findings are placed at <paramref name="where"/>, the model.</summary>
    public static bool Verify(ModelGraph graph, SourceSpan where, ICollection<ModelDiagnostic> diagnostics)
    {
        GraphVerifier verifier = new(graph, where, diagnostics);
        verifier.CheckOrder();
        foreach (Operation operation in graph.Operations)
        {
            verifier.Check(operation);
        }

        verifier.CheckParameters();
        verifier.CheckTrainedParameters();
        return verifier.valid;
    }

    private void CheckOrder()
    {
        Dictionary<int, Value> written = [];
        foreach (Operation operation in graph.Operations)
        {
            foreach (Value input in operation.Inputs)
            {
                if (!written.TryGetValue(input.Id, out Value? value) || value != input)
                {
                    Report(Catalogue.UndefinedValue, operation, $"a read of {Name(input)}", "an earlier operation that writes it");
                }
            }

            foreach (Value output in operation.Outputs)
            {
                if (written.ContainsKey(output.Id))
                {
                    Report(Catalogue.RedefinedValue, operation, $"a second write of {Name(output)}", "one");
                }

                written[output.Id] = output;
            }

            if (!operation.Outputs.Contains(operation.Output))
            {
                string outputs = string.Join(", ", operation.Outputs.Select(Name));
                Report(Catalogue.UndefinedValue, operation, $"{Name(operation.Output)} for its output, which it does not write", $"what it writes ({outputs})");
            }
        }

        if (!written.TryGetValue(graph.Result.Id, out Value? result) || result != graph.Result)
        {
            string what = graph.Losses is null ? "logits" : "losses";
            Report(Catalogue.UndefinedValue, "graph", $"{what} {Name(graph.Result)} that nothing writes", "an operation that writes them");
        }

        ExpectWidth("graph", graph.Logits, graph.Dimensions.Vocab);
    }

    private void Check(Operation operation)
    {
        string name = Name(operation);
        switch (operation)
        {
            case Embedding embedding:
                ExpectWidth(name, embedding.Output, embedding.Table.Columns);
                ExpectShape(name, embedding.Table, graph.Dimensions.Vocab, embedding.Output.Width);
                break;
            case PositionEmbedding embedding:
                ExpectWidth(name, embedding.Output, embedding.Table.Columns);
                ExpectRows(name, embedding.Table, graph.Dimensions.ContextLength + embedding.Offset);
                break;
            case Add add:
                ExpectSameWidth(name, add.Output, add.Left, add.Right);
                break;
            case Multiply multiply:
                ExpectSameWidth(name, multiply.Output, multiply.Left, multiply.Right);
                break;
            case Linear linear:
                ExpectShape(name, linear.Weight, linear.Output.Width, linear.Input.Width);
                ExpectShape(name, linear.Bias, linear.Output.Width, 1);
                break;
            case Norm norm:
                ExpectSameWidth(name, norm.Output, norm.Input);
                Check(name, norm);
                break;
            case Rope rope:
                ExpectSameWidth(name, rope.Output, rope.Input);
                Check(name, rope);
                break;
            case Attention attention:
                Check(name, attention);
                break;
            case Scale or Activation or SoftCap:
                ExpectSameWidth(name, [operation.Output, .. operation.Inputs]);
                break;
            default:
                CheckFused(name, operation);
                break;
        }
    }

    private void Check(string name, Norm norm)
    {
        if (norm.Groups < 1 || norm.Input.Width % norm.Groups != 0)
        {
            Report(Catalogue.WidthMismatch, name, $"{norm.Groups} groups in a row of {norm.Input.Width}", "groups that divide the row");
            return;
        }

        ExpectShape(name, norm.Weight, norm.Input.Width / norm.Groups, 1);
        ExpectShape(name, norm.Bias, norm.Input.Width / norm.Groups, 1);
    }

    private void Check(string name, Rope rope)
    {
        ExpectWidth(name, rope.Input, rope.Heads * rope.HeadDim);
        CheckTable(name, rope.Table, rope.HeadDim);
    }

    private void CheckTable(string name, int table, int headDim)
    {
        if (table < 0 || table >= graph.RopeTables.Count)
        {
            Report(Catalogue.UnknownRopeTable, name, $"table {table}", $"one of the {graph.RopeTables.Count} tables of the graph");
        }
        else if (graph.RopeTables[table].RotatedWidth > headDim)
        {
            Report(
                Catalogue.WidthMismatch, name, $"a table that rotates {graph.RopeTables[table].RotatedWidth} elements",
                $"at most the {headDim} of a head");
        }
    }

    private void Check(string name, Attention attention)
    {
        ExpectWidth(name, attention.Query, attention.Heads * attention.HeadDim);
        ExpectWidth(name, attention.Output, attention.Heads * attention.HeadDim);
        ExpectWidth(name, attention.Key, attention.KvHeads * attention.HeadDim);
        ExpectWidth(name, attention.Values, attention.KvHeads * attention.HeadDim);
        if (attention.KvHeads < 1 || attention.Heads % attention.KvHeads != 0)
        {
            Report(Catalogue.InvalidAttention, name, $"{attention.Heads} heads over {attention.KvHeads} key/value heads", "a whole ratio");
        }

        if (attention.Place.Layer < 0 || attention.Place.Layer >= graph.Dimensions.Layers)
        {
            Report(
                Catalogue.InvalidAttention, name, FormattableString.Invariant($"layer {attention.Place.Layer}"),
                $"a layer from 0 to {graph.Dimensions.Layers - 1} that keeps its cache");
        }

        if (attention.Window < 1 || attention.SoftCap <= 0 || !(Math.Abs(attention.ScoreScale) <= double.MaxValue))
        {
            Report(
                Catalogue.InvalidAttention, name, FormattableString.Invariant($"window {attention.Window}, soft cap {attention.SoftCap}, scale {attention.ScoreScale}"),
                "a window of at least 1, a positive cap, a finite scale");
        }
    }

    private void CheckParameters()
    {
        Dictionary<string, Parameter> byName = new(StringComparer.Ordinal);
        foreach (Parameter parameter in graph.Parameters)
        {
            if (byName.TryGetValue(parameter.Name, out _))
            {
                Report(Catalogue.ParameterMismatch, Name(parameter), "a second parameter of that name", "names that are unique");
            }

            byName[parameter.Name] = parameter;
            EquatableArray<int> shape = parameter.Tensor.Shape;
            bool vector = shape.Count == 1 && parameter.Columns == 1 && !parameter.Transposed;
            bool matrix = shape.Count == 2;
            int rows = vector ? shape[0] : !matrix ? -1 : parameter.Transposed ? shape[1] : shape[0];
            int columns = vector ? 1 : !matrix ? -1 : parameter.Transposed ? shape[0] : shape[1];
            if (parameter.FirstRow < 0 || parameter.Rows < 1 || parameter.FirstRow > rows - parameter.Rows || columns != parameter.Columns)
            {
                Report(
                    Catalogue.ParameterMismatch, Name(parameter),
                    $"rows {parameter.FirstRow} to {(long)parameter.FirstRow + parameter.Rows} of {parameter.Columns} columns",
                    $"a part of tensor '{parameter.Tensor.Name}' {DiagnosticReporting.Shape(shape)}");
            }
        }
    }

    private void ExpectWidth(string name, Value value, int width)
    {
        if (value.Width != width)
        {
            Report(Catalogue.WidthMismatch, name, $"{Name(value)} of width {value.Width}", $"width {width}");
        }
    }

    private void ExpectSameWidth(string name, params Value[] values)
    {
        foreach (Value value in values)
        {
            ExpectWidth(name, value, values[0].Width);
        }
    }

    private void ExpectShape(string name, Parameter? parameter, int rows, int columns)
    {
        if (parameter is not null && (parameter.Rows != rows || parameter.Columns != columns))
        {
            Report(
                Catalogue.ParameterMismatch, name, $"{Name(parameter)} of [{parameter.Rows}, {parameter.Columns}]", $"[{rows}, {columns}]");
        }
    }

    private void ExpectRows(string name, Parameter table, int rows)
    {
        if (table.Rows < rows)
        {
            Report(Catalogue.ParameterMismatch, name, $"{Name(table)} of {table.Rows} rows", $"at least {rows}");
        }
    }

    private void Report(DiagnosticRule rule, Operation operation, string found, string expected)
        => Report(rule, Name(operation), found, expected);

    private void Report(DiagnosticRule rule, string subject, string found, string expected)
    {
        valid = false;
        diagnostics.Report(rule, where, subject, found, expected, Advice);
    }

    private static string Name(Operation operation)
        => FormattableString.Invariant($"{operation.GetType().Name} of {Name(operation.Output)} (layer {operation.Place.Layer}, {operation.Place.Section})");

    private static string Name(Value value) => $"value {value.Id} '{value.Name}'";

    private static string Name(Parameter parameter) => $"parameter '{parameter.Name}'";
}
