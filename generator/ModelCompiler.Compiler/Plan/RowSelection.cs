using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// Where a step goes down to the rows whose logits are asked for: behind the last attention, where no row reads another any more. A prompt
/// asks for the logits of its last token only, so that most of the last layer is computed for one row.
/// </summary>
/// <param name="Before">The first operation for fewer rows.</param>
/// <param name="Kept">The values that it and later operations read of earlier ones.</param>
internal sealed record RowSelection(Operation Before, EquatableArray<Slot> Kept)
{
    /// <summary>Null where the rows must stay until the head.</summary>
    public static RowSelection? Find(ModelGraph graph, ArenaPlanner arena)
    {
        int last = graph.Operations.Count - 1;
        while (last >= 0 && graph.Operations[last] is not FusedAttention)
        {
            last--;
        }

        if (last < 0)
        {
            return null;
        }

        HashSet<int> later = [.. graph.Operations.Skip(last + 1).SelectMany(operation => operation.Outputs).Select(output => output.Id)];
        Slot[] kept = [.. graph.Operations.Skip(last + 1).SelectMany(operation => operation.Inputs).Where(input => !later.Contains(input.Id))
            .Select(input => arena.Slots[input.Id]).Distinct()];

        // What a norm wrote lies in another place where a step has one row: it could not be found again.
        return kept.Any(slot => slot.Buffer.LocalOffset >= 0) ? null : new RowSelection(graph.Operations[last + 1], kept.ToEquatable());
    }
}
