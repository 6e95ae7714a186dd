using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Graph;

/// <summary>The same rules for the loss and the gradients.</summary>
public sealed partial class GraphVerifier
{
    private void CheckTraining(string name, Operation operation)
    {
        switch (operation)
        {
            case CrossEntropy loss:
                ExpectWidth(name, loss.Output, 1);
                ExpectWidth(name, loss.Logits, graph.Dimensions.Vocab);
                break;
            case CrossEntropyGradient loss:
                ExpectWidth(name, loss.Logits, graph.Dimensions.Vocab);
                ExpectSameWidth(name, loss.Output, loss.Logits);
                break;
            case LinearInputGradient linear:
                ExpectShape(name, linear.Weight, linear.OutputGradient.Width, linear.Output.Width);
                break;
            case NormGradient norm:
                ExpectSameWidth(name, [norm.Output, .. norm.Inputs]);
                Check(name, norm.Forward);
                break;
            case RopeGradient rope:
                ExpectSameWidth(name, rope.Output, rope.OutputGradient);
                Check(name, rope.Forward with { Input = rope.OutputGradient });
                break;
            case AttentionGradient attention:
                Check(name, attention.Forward with { Output = attention.OutputGradient });
                ExpectSameWidth(name, attention.Output, attention.Forward.Query);
                ExpectSameWidth(name, attention.KeyGradient, attention.Forward.Key);
                ExpectSameWidth(name, attention.ValuesGradient, attention.Forward.Values);
                break;
            case ActivationGradient or SoftCapGradient:
                ExpectSameWidth(name, [operation.Output, .. operation.Inputs]);
                break;
            case ParameterGradient gradient:
                ExpectWidth(name, gradient.Output, 0);
                CheckParameterGradient(name, gradient);
                break;
            default:
                CheckFusedGradient(name, operation);
                break;
        }
    }

    private void CheckParameterGradient(string name, ParameterGradient operation)
    {
        switch (operation)
        {
            case WeightGradient weight:
                Check(name, weight.Weight, weight.Bias, weight.OutputGradient, weight.Input);
                break;
            case FusedWeightGradient fused:
                foreach (GradientPart part in fused.Parts)
                {
                    Check(name, part.Weight, part.Bias, part.OutputGradient, fused.Input);
                }

                break;
            case NormParameterGradient norm:
                ExpectSameWidth(name, norm.OutputGradient, norm.Forward.Input);
                Check(name, norm.Forward with { Weight = norm.Weight, Bias = norm.Bias });
                break;
            case EmbeddingGradient embedding:
                ExpectShape(name, embedding.Table, graph.Dimensions.Vocab, embedding.OutputGradient.Width);
                break;
            case PositionEmbeddingGradient positions:
                ExpectShape(name, positions.Table, positions.Table.Rows, positions.OutputGradient.Width);
                ExpectRows(name, positions.Table, graph.Dimensions.ContextLength + positions.Offset);
                break;
        }
    }

    private void CheckFusedGradient(string name, Operation operation)
    {
        switch (operation)
        {
            case HeadLoss head:
                ExpectWidth(name, head.Losses, 1);
                ExpectShape(name, head.Weight, graph.Dimensions.Vocab, head.Input.Width);
                ExpectWidthOrNone(name, head.Output, head.Input.Width);
                break;
            case KeptGatedLinear gated:
                ExpectSameWidth(name, gated.Output, gated.GateOutput, gated.UpOutput);
                Check(name, gated.Gate with { Output = gated.GateOutput }, gated.Input);
                Check(name, gated.Up with { Output = gated.UpOutput }, gated.Input);
                break;
            case GateGradient gate:
                ExpectSameWidth(name, [gate.Output, gate.UpGradient, .. gate.Inputs]);
                break;
            case FusedInputGradient fused:
                foreach (GradientPart part in fused.Parts)
                {
                    ExpectShape(name, part.Weight, part.OutputGradient.Width, fused.Output.Width);
                    if (part.Weight is null || part.Bias is not null)
                    {
                        Report(Catalogue.ParameterMismatch, name, "a part without a matrix or with a bias", "a matrix and no bias");
                    }
                }

                ExpectSameWidth(name, [fused.Output, .. fused.Outputs, .. fused.Elementwise]);
                break;
        }
    }

    private void Check(string name, Parameter? weight, Parameter? bias, Value outputGradient, Value input)
    {
        ExpectShape(name, weight, outputGradient.Width, input.Width);
        ExpectShape(name, bias, outputGradient.Width, 1);
    }

    /// <summary>Gradients are of parameters that the model reads.</summary>
    private void CheckTrainedParameters()
    {
        HashSet<Parameter> read = [.. graph.Parameters];
        foreach (Parameter parameter in graph.TrainedParameters.Where(parameter => !read.Contains(parameter)))
        {
            Report(Catalogue.ParameterMismatch, Name(parameter), "a gradient for it", "a parameter that an operation of the graph reads");
        }
    }

    private void ExpectWidthOrNone(string name, Value value, int width)
    {
        if (value.Width != 0)
        {
            ExpectWidth(name, value, width);
        }
    }
}
