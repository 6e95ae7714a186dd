using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Reference.Training;

/// <summary>A sequence to learn from. <paramref name="Targets"/>: for each token the one that should follow, −1 where none is asked for.</summary>
public sealed record TrainingSequence(int[] Tokens, int[] Targets);

/// <summary>What a step gives.</summary>
/// <param name="Losses">Nats for each token, sequence after sequence; 0 without a target.</param>
/// <param name="Gradients">Of every trained parameter, [rows × columns]: of lossScale · Σ losses.</param>
public sealed record TrainingStep(double[] Losses, IReadOnlyDictionary<Parameter, double[]> Gradients);

/// <summary>
/// A training graph carried out in double precision, sequence by sequence, with plain loops: the oracle of the backward pass. Not for several threads at once.
/// </summary>
/// <param name="graph">The graph after autodiff (and recomputation), before fusion.</param>
/// <param name="parameters">Its weights.</param>
/// <param name="layout">Where given, the inputs of products in a block format are rounded to integers in the forward pass; gradients pass as if they were not.</param>
public sealed class TrainingReference(ModelGraph graph, IParameterSource parameters, PackedWeights? layout = null)
{
    private readonly ReferenceOperations forward = new(graph, parameters, layout, cache: null);

    /// <summary>Losses and gradients of a step.</summary>
    /// <exception cref="ArgumentException">A token or target outside the vocabulary, a sequence longer than the context, targets of another number.</exception>
    public TrainingStep Run(IEnumerable<TrainingSequence> sequences, double lossScale = 1)
    {
        Dictionary<Parameter, double[]> gradients = graph.TrainedParameters.ToDictionary(
            parameter => parameter, parameter => new double[(long)parameter.Rows * parameter.Columns]);
        double[] losses = Run(sequences, graph.Operations, (operation, step) => Evaluate(operation, step, lossScale, gradients));
        return new TrainingStep(losses, gradients);
    }

    /// <summary>The losses alone: nothing of the backward pass runs.</summary>
    /// <exception cref="ArgumentException">As <see cref="Run(IEnumerable{TrainingSequence}, double)"/>.</exception>
    public double[] Losses(IEnumerable<TrainingSequence> sequences)
        => Run(sequences, graph.Operations.Where(operation => !operation.Place.Backward), (operation, step) => Evaluate(operation, step, 0, []));

    private double[] Run(IEnumerable<TrainingSequence> sequences, IEnumerable<Operation> operations, Action<Operation, Step> evaluate)
    {
        List<double> losses = [];
        foreach (TrainingSequence sequence in sequences)
        {
            Step step = new(forward.CheckTokens(sequence.Tokens), CheckTargets(sequence));
            foreach (Operation operation in operations)
            {
                evaluate(operation, step);
            }

            losses.AddRange(step.Of(graph.Result));
        }

        return [.. losses];
    }

    private void Evaluate(Operation operation, Step step, double lossScale, Dictionary<Parameter, double[]> gradients)
    {
        switch (operation)
        {
            case AttentionGradient attention:
                (double[] dq, double[] dk, double[] dv) = ReferenceAttentionGradient.Apply(
                    attention.Forward, step.Of(attention.Forward.Query), step.Of(attention.Forward.Key), step.Of(attention.Forward.Values),
                    step.Of(attention.OutputGradient));
                step.Write(attention.Output, dq);
                step.Write(attention.KeyGradient, dk);
                step.Write(attention.ValuesGradient, dv);
                break;
            case ParameterGradient parameter:
                AddTo(gradients, parameter, step);
                break;
            default:
                step.Write(operation.Output, Evaluate(operation, step, lossScale));
                break;
        }
    }

    private double[] Evaluate(Operation operation, Step step, double lossScale) => operation switch
    {
        CrossEntropy loss => ReferenceLoss.Apply(step.Of(loss.Logits), step.Targets),
        CrossEntropyGradient loss => ReferenceLoss.Gradient(step.Of(loss.Logits), step.Targets, lossScale),
        LinearInputGradient linear => ReferenceLinearGradient.Input(
            step.Of(linear.OutputGradient), forward.Load(linear.Weight), linear.Weight.Rows, linear.Weight.Columns),
        NormGradient { Residual: null } norm => ReferenceNormGradient.Input(
            norm.Forward, step.Of(norm.Forward.Input), step.Of(norm.OutputGradient), forward.LoadOptional(norm.Forward.Weight)),
        RopeGradient rope => ReferenceRope.Gradient(rope.Forward, step.Of(rope.OutputGradient), graph.RopeTables[rope.Forward.Table]),
        ActivationGradient activation => ReferenceElementwiseGradient.Activation(activation.Kind, step.Of(activation.Input), step.Of(activation.OutputGradient)),
        SoftCapGradient softCap => ReferenceElementwiseGradient.SoftCap(softCap.Cap, step.Of(softCap.Input), step.Of(softCap.OutputGradient)),
        _ => forward.Evaluate(operation, step.Tokens, step.Values),
    };

    private static void AddTo(Dictionary<Parameter, double[]> gradients, ParameterGradient operation, Step step)
    {
        switch (operation)
        {
            case WeightGradient linear:
                if (linear.Weight is { } weight)
                {
                    ReferenceLinearGradient.AddWeight(step.Of(linear.Input), step.Of(linear.OutputGradient), weight.Rows, weight.Columns, gradients[weight]);
                }

                AddBias(linear.Bias, linear.OutputGradient);
                break;
            case NormParameterGradient norm:
                if (norm.Weight is { } gain)
                {
                    ReferenceNormGradient.AddWeight(norm.Forward, step.Of(norm.Forward.Input), step.Of(norm.OutputGradient), gradients[gain]);
                }

                AddBias(norm.Bias, norm.OutputGradient);
                break;
            case EmbeddingGradient embedding:
                ReferenceEmbeddingGradient.Add(
                    step.Of(embedding.OutputGradient), embedding.OutputGradient.Width, t => step.Tokens[t], embedding.Factor, gradients[embedding.Table]);
                break;
            case PositionEmbeddingGradient positions:
                ReferenceEmbeddingGradient.Add(
                    step.Of(positions.OutputGradient), positions.OutputGradient.Width, t => t + positions.Offset, 1, gradients[positions.Table]);
                break;
            default:
                throw new NotSupportedException($"The reference has no equation for '{operation.GetType().Name}'; it interprets the graph before fusion.");
        }

        void AddBias(Parameter? bias, Value outputGradient)
        {
            if (bias is not null)
            {
                ReferenceLinearGradient.AddBias(step.Of(outputGradient), gradients[bias]);
            }
        }
    }

    private int[] CheckTargets(TrainingSequence sequence)
    {
        if (sequence.Targets.Length != sequence.Tokens.Length)
        {
            throw new ArgumentException($"{sequence.Targets.Length} targets for {sequence.Tokens.Length} tokens", nameof(sequence));
        }

        foreach (int target in sequence.Targets.Where(target => target < -1 || target >= graph.Dimensions.Vocab))
        {
            throw new ArgumentException($"target {target} is not in the vocabulary 0 … {graph.Dimensions.Vocab - 1}, nor −1", nameof(sequence));
        }

        return sequence.Targets;
    }

    /// <summary>A sequence on its way, with all values so far.</summary>
    private sealed class Step(int[] tokens, int[] targets)
    {
        private readonly Dictionary<int, double[]> values = [];

        public int[] Tokens => tokens;

        public int[] Targets => targets;

        public IReadOnlyDictionary<int, double[]> Values => values;

        public double[] Of(Value value) => values[value.Id];

        public void Write(Value value, double[] numbers) => values.Add(value.Id, numbers);
    }
}
