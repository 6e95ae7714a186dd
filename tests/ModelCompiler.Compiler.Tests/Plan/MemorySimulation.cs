using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Tests.Plan;

/// <summary>
/// Runs a plan over memory that remembers, float by float, which value was written there, and fails where an operation would read another.
/// Once as for many rows, where all values lie in the shared arena, and once as for one row, where norms lie in each worker's own scratch.
/// </summary>
internal static class MemorySimulation
{
    public static void Run(ModelGraph graph)
    {
        Run(graph, PlannedModel.F32);
        Run(graph, PlannedModel.Q4);
    }

    private static void Run(ModelGraph graph, FormatChoice formats)
    {
        ModelGraph fused = PassList.Run(PassList.Inference, graph, formats);
        ArenaPlanner arena = ArenaPlanner.Plan(fused, 0);
        foreach (bool singleRow in new[] { false, true })
        {
            int[] shared = new int[arena.FloatsPerRow];
            int[] local = new int[arena.LocalFloats];
            Array.Fill(shared, -1);
            Array.Fill(local, -1);
            foreach (Operation operation in fused.Operations)
            {
                foreach (Value input in operation.Inputs)
                {
                    Slot slot = arena.Slots[input.Id];
                    Assert.All(Cells(slot).ToArray(), cell => Assert.True(cell == input.Id, $"{operation.GetType().Name} {operation.Output.Name} reads {input.Name} where value {cell} lies"));
                }

                if (operation is FusedAttention { QueryNorm: not null } or FusedAttention { RopeTable: not null })
                {
                    FusedAttention attention = (FusedAttention)operation;
                    Cells(arena.Slots[attention.Query.Id]).Fill(-2); // prepared in place: no longer what the projection wrote
                    Cells(arena.Slots[attention.Key.Id]).Fill(-2);
                }

                foreach (Value output in operation.Outputs.Where(output => output.Id != fused.Logits.Id))
                {
                    Slot slot = arena.Slots[output.Id];
                    Assert.True(operation is Norm or Quantise || slot.Buffer.LocalOffset < 0, $"{operation.GetType().Name} {output.Name} writes into a norm's place, of which every worker has its own");
                    Cells(slot).Fill(output.Id);
                }
            }

            Span<int> Cells(Slot slot) => singleRow && slot.Buffer.LocalOffset >= 0
                ? local.AsSpan(slot.Buffer.LocalOffset + slot.Column, slot.PaddedWidth)
                : shared.AsSpan(slot.Buffer.Offset + slot.Column, slot.PaddedWidth);
        }
    }
}
