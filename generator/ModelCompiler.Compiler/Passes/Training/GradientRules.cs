using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Graph.Training;

namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>
/// The gradient of each operation, given that of its output. What a parameter's gradient reads is still there when its operation runs, so that comes
/// first; only a norm's reads statistics that the gradient of its input computes. A new operation is one new rule.
/// </summary>
internal static class GradientRules
{
    private static readonly Dictionary<Type, Action<Operation, Value, GradientBuilder>> Rules = new(new[]
    {
        Rule<Embedding>((embedding, dy, gradients) =>
        {
            if (gradients.Trained.Contains(embedding.Table))
            {
                gradients.Parameters(embedding, (value, place) => new EmbeddingGradient(value, place, dy, embedding.Table));
            }
        }),
        Rule<PositionEmbedding>((positions, dy, gradients) =>
        {
            if (gradients.Trained.Contains(positions.Table))
            {
                gradients.Parameters(positions, (value, place) => new PositionEmbeddingGradient(value, place, dy, positions.Table, positions.Offset));
            }
        }),
        Rule<Add>((add, dy, gradients) =>
        {
            gradients.Into(add.Left, dy);
            gradients.Into(add.Right, dy);
        }),
        Rule<Scale>((scale, dy, gradients) =>
            gradients.Into(scale.Input, (dx, place) => new Scale(dx, place, dy, scale.Factor))),
        Rule<Norm>((norm, dy, gradients) =>
        {
            gradients.Into(norm.Input, (dx, place) => new NormGradient(dx, place, norm, dy));
            if (norm.Parameters.Any(gradients.Trained.Contains))
            {
                gradients.Parameters(norm, (value, place) => new NormParameterGradient(
                    value, place, norm, dy, gradients.Trained.Only(norm.Weight), gradients.Trained.Only(norm.Bias)));
            }
        }),
        Rule<Linear>((linear, dy, gradients) =>
        {
            if (linear.Parameters.Any(gradients.Trained.Contains))
            {
                gradients.Parameters(linear, (value, place) => new WeightGradient(
                    value, place, linear.Input, dy, gradients.Trained.Only(linear.Weight), gradients.Trained.Only(linear.Bias)));
            }

            gradients.Into(linear.Input, (dx, place) => new LinearInputGradient(dx, place, dy, linear.Weight));
        }),
        Rule<Rope>((rope, dy, gradients) =>
            gradients.Into(rope.Input, (dx, place) => new RopeGradient(dx, place, dy, rope))),
        Rule<Attention>(Attention),
        Rule<Activation>((activation, dy, gradients) =>
            gradients.Into(activation.Input, (dx, place) => new ActivationGradient(dx, place, activation.Input, dy, activation.Kind))),
        Rule<Multiply>((multiply, dy, gradients) =>
        {
            gradients.Into(multiply.Left, (dx, place) => new Multiply(dx, place, dy, multiply.Right));
            gradients.Into(multiply.Right, (dx, place) => new Multiply(dx, place, dy, multiply.Left));
        }),
        Rule<SoftCap>((softCap, dy, gradients) =>
            gradients.Into(softCap.Input, (dx, place) => new SoftCapGradient(dx, place, softCap.Input, dy, softCap.Cap))),
    }.ToDictionary(rule => rule.Type, rule => rule.Apply));

    /// <summary>Appends the gradients of an operation's parameters and inputs.</summary>
    /// <exception cref="NotSupportedException">The operation has no rule.</exception>
    public static void Apply(Operation operation, Value outputGradient, GradientBuilder gradients)
    {
        if (!Rules.TryGetValue(operation.GetType(), out Action<Operation, Value, GradientBuilder>? rule))
        {
            throw new NotSupportedException(
                $"'{operation.GetType().Name}' has no gradient; the graph is differentiated as mapped, before fusion.");
        }

        rule(operation, outputGradient, gradients);
    }

    /// <summary>One operation gives all three: who needs dq has computed what dk and dv need.</summary>
    private static void Attention(Attention attention, Value dy, GradientBuilder gradients)
    {
        AttentionGradient gradient = gradients.Append(place => new AttentionGradient(
            gradients.NewGradient(attention.Query), gradients.NewGradient(attention.Key), gradients.NewGradient(attention.Values), place, attention, dy));
        gradients.Into(attention.Query, gradient.Output);
        gradients.Into(attention.Key, gradient.KeyGradient);
        gradients.Into(attention.Values, gradient.ValuesGradient);
    }

    private static (Type Type, Action<Operation, Value, GradientBuilder> Apply) Rule<T>(Action<T, Value, GradientBuilder> rule)
        where T : Operation
        => (typeof(T), (operation, dy, gradients) => rule((T)operation, dy, gradients));
}
