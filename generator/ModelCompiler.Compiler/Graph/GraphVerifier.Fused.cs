using ModelCompiler.Compiler.Diagnostics;

namespace ModelCompiler.Compiler.Graph;

/// <summary>The same rules for the operations that passes make.</summary>
public sealed partial class GraphVerifier
{
    private void CheckFused(string name, Operation operation)
    {
        switch (operation)
        {
            case TokenEmbedding embedding:
                ExpectShape(name, embedding.Table, graph.Dimensions.Vocab, embedding.Output.Width);
                if (embedding.Positions is { } positions)
                {
                    ExpectWidth(name, embedding.Output, positions.Columns);
                    ExpectRows(name, positions, graph.Dimensions.ContextLength + embedding.PositionOffset);
                }

                break;
            case FusedLinear linear:
                Check(name, linear);
                break;
            case GatedLinear gated:
                ExpectSameWidth(name, gated.Output, gated.Gate.Output, gated.Up.Output);
                Check(name, gated.Gate, gated.Input);
                Check(name, gated.Up, gated.Input);
                break;
            case Quantise quantise:
                ExpectSameWidth(name, quantise.Output, quantise.Input);
                break;
            case FusedAttention fused:
                Check(name, fused.Definition with { Output = fused.Output, Query = fused.Query, Key = fused.Key, Values = fused.Values, Place = fused.Place });
                ExpectShape(name, fused.QueryNorm?.Weight, fused.Definition.HeadDim, 1);
                ExpectShape(name, fused.KeyNorm?.Weight, fused.Definition.HeadDim, 1);
                if (fused.RopeTable is { } table)
                {
                    CheckTable(name, table, fused.Definition.HeadDim);
                }

                break;
            default:
                CheckTraining(name, operation);
                break;
        }
    }

    private void Check(string name, FusedLinear linear)
    {
        foreach (LinearPart part in linear.Parts)
        {
            Check(name, part, linear.Input);
        }

        if (linear.Residual is { } residual)
        {
            ExpectSameWidth(name, linear.Output, residual);
        }

        if (linear.Parts.Count != 1 && (linear.Parts.Count == 0 || linear.Activation is not null || linear.Residual is not null))
        {
            Report(
                Catalogue.WidthMismatch, name, $"an activation or a residual with {linear.Parts.Count} parts",
                "one part, or neither of the two");
        }
    }

    private void Check(string name, LinearPart part, Value input)
    {
        ExpectShape(name, part.Weight, part.Output.Width, input.Width);
        ExpectShape(name, part.Bias, part.Output.Width, 1);
    }
}
