using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>Takes the fused operations of a training graph apart by their equations, so that the reference can carry them out.</summary>
internal sealed class Unfusion
{
    private readonly List<Operation> operations = [];
    private int next;

    public static ModelGraph Apply(ModelGraph graph)
    {
        Unfusion unfusion = new() { next = graph.NextValueId };
        foreach (Operation operation in graph.Operations)
        {
            unfusion.Take(operation);
        }

        return TrainingModels.Verified(graph with { Operations = unfusion.operations.ToEquatable() });
    }

    private void Take(Operation operation)
    {
        Place place = operation.Place;
        switch (operation)
        {
            case TokenEmbedding { Positions: null } embedding:
                Value row = Embed(embedding, embedding.Factor == 1 ? embedding.Output : New(embedding.Output));
                Scale(embedding, row);
                break;
            case TokenEmbedding { Positions: { } positions } embedding:
                Assert.Equal(1, embedding.Factor);
                Value tokens = Embed(embedding, New(embedding.Output));
                Value learned = Add(new PositionEmbedding(New(embedding.Output), place, positions, embedding.PositionOffset));
                Add(new Add(embedding.Output, place, tokens, learned));
                break;
            case FusedLinear linear:
                foreach (LinearPart part in linear.Parts)
                {
                    bool plain = linear.Residual is null && linear.Activation is null;
                    Value product = Add(new Linear(plain ? part.Output : New(part.Output), place, linear.Input, part.Weight, part.Bias));
                    if (linear.Residual is { } residual)
                    {
                        Add(new Add(linear.Output, place, residual, product));
                    }
                    else if (linear.Activation is { } activation)
                    {
                        Add(new Activation(linear.Output, place, product, activation));
                    }
                }

                break;
            case KeptGatedLinear gated:
                Gate(gated, gated.Input, gated.Gate with { Output = gated.GateOutput }, gated.Up with { Output = gated.UpOutput }, gated.Activation);
                break;
            case GatedLinear gated:
                Gate(gated, gated.Input, gated.Gate, gated.Up, gated.Activation);
                break;
            case GateGradient gradient:
                Value activatedGradient = Add(new Multiply(New(gradient.Gate), place, gradient.HiddenGradient, gradient.Up));
                Add(new ActivationGradient(gradient.Output, place, gradient.Gate, activatedGradient, gradient.Activation));
                Value activated = Add(new Activation(New(gradient.Gate), place, gradient.Gate, gradient.Activation));
                Add(new Multiply(gradient.UpGradient, place, gradient.HiddenGradient, activated));
                break;
            case HeadLoss head:
                Take(head);
                break;
            case NormGradient { Residual: { } residual } norm:
                Add(new Add(norm.Output, place, residual, Add(norm with { Output = New(norm.Output), Residual = null })));
                break;
            case FusedInputGradient { Gate: { } gate } fused:
                Take(fused with { Output = gate.HiddenGradient, Gate = null });
                Take(gate);
                break;
            case FusedInputGradient fused:
                Take(fused);
                break;
            case FusedWeightGradient fused:
                for (int i = 0; i < fused.Parts.Count; i++)
                {
                    GradientPart part = fused.Parts[i];
                    Add(new WeightGradient(i == 0 ? fused.Output : New(fused.Output), place, fused.Input, part.OutputGradient, part.Weight, part.Bias));
                }

                break;
            default:
                Add(operation);
                break;
        }
    }

    private void Gate(Operation operation, Value input, LinearPart gate, LinearPart up, ActivationKind activation)
    {
        Add(new Linear(gate.Output, operation.Place, input, gate.Weight, gate.Bias));
        Add(new Linear(up.Output, operation.Place, input, up.Weight, up.Bias));
        Value activated = Add(new Activation(New(gate.Output), operation.Place, gate.Output, activation));
        Add(new Multiply(operation.Output, operation.Place, activated, up.Output));
    }

    private void Take(HeadLoss head)
    {
        Place backward = head.Place with { Backward = true };
        Value logits = Add(new Linear(new Value(next++, "logits", head.Weight.Rows), head.Place, head.Input, head.Weight));
        Add(new CrossEntropy(head.Losses, head.Place, logits));
        Value dlogits = Add(new CrossEntropyGradient(New(logits), backward, logits));
        if (head.Trained)
        {
            Add(new WeightGradient(new Value(next++, "dhead", 0), backward, head.Input, dlogits, head.Weight, null));
        }

        if (head.Output.Width > 0)
        {
            Add(new LinearInputGradient(head.Output, backward, dlogits, head.Weight));
        }
    }

    private void Take(FusedInputGradient fused)
    {
        Value? sum = fused.Residual;
        for (int i = 0; i < fused.Parts.Count; i++)
        {
            bool last = i == fused.Parts.Count - 1;
            GradientPart part = fused.Parts[i];
            Value product = Add(new LinearInputGradient(last && sum is null ? fused.Output : New(fused.Output), fused.Place, part.OutputGradient, part.Weight!));
            sum = sum is null ? product : Add(new Add(last ? fused.Output : New(fused.Output), fused.Place, sum, product));
        }
    }

    private Value Embed(TokenEmbedding embedding, Value output) => Add(new Embedding(output, embedding.Place, embedding.Table));

    private void Scale(TokenEmbedding embedding, Value row)
    {
        if (row != embedding.Output)
        {
            Add(new Scale(embedding.Output, embedding.Place, row, embedding.Factor));
        }
    }

    private Value New(Value like) => new(next++, like.Name + "Part", like.Width);

    private Value Add(Operation operation)
    {
        operations.Add(operation);
        return operation.Output;
    }
}
