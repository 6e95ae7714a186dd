using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Passes;

/// <summary>
/// Products in a block format read integers: each of their inputs is quantised once, right before its first such reader. Projections that were
/// fused and have different formats part again. What is trained is in f32, whatever the choice, and so are adapters.
/// </summary>
internal static class QuantiseInputs
{
    public static ModelGraph Apply(ModelGraph graph, FormatChoice formats)
    {
        List<Operation> operations = [];
        Dictionary<(int Value, BlockFormat Format), Value> quantised = [];
        HashSet<Parameter> trained = [.. graph.TrainedParameters];
        int next = graph.NextValueId;
        foreach (Operation operation in graph.Operations.SelectMany(Part))
        {
            switch (operation)
            {
                case FusedLinear linear:
                    operations.Add(linear with { Input = Input(linear, linear.Input, FormatOf(linear.Parts[0].Weight)) });
                    break;
                case GatedLinear gated:
                    operations.Add(gated with { Input = Input(gated, gated.Input, FormatOf(gated.Gate.Weight)) });
                    break;
                case KeptGatedLinear gated:
                    operations.Add(gated with { Input = Input(gated, gated.Input, FormatOf(gated.Gate.Weight)) });
                    break;
                case HeadLoss head:
                    operations.Add(head with { Input = Input(head, head.Input, FormatOf(head.Weight)) });
                    break;
                default:
                    operations.Add(operation);
                    break;
            }
        }

        return graph with { Operations = operations.ToEquatable() };

        WeightFormat FormatOf(Parameter weight) => trained.Contains(weight) || InsertAdapters.Adapters.Contains(weight) ? F32Format.Instance : formats.Of(weight);

        IEnumerable<Operation> Part(Operation operation) => operation is FusedLinear { Parts.Count: > 1 } linear
            ? linear.Parts.GroupBy(part => FormatOf(part.Weight)).Select(group => linear with { Output = group.First().Output, Parts = group.ToEquatable() })
            : [operation];

        Value Input(Operation reader, Value input, WeightFormat format)
        {
            if (format is not BlockFormat block)
            {
                return input;
            }

            if (!quantised.TryGetValue((input.Id, block), out Value? integers))
            {
                integers = new Value(next++, input.Name + "Q" + block.Bits, input.Width);
                quantised.Add((input.Id, block), integers);
                operations.Add(new Quantise(integers, reader.Place, input, block));
            }

            return integers;
        }
    }
}
