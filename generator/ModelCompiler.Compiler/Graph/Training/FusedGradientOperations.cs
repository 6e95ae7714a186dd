namespace ModelCompiler.Compiler.Graph.Training;

/// <summary>
/// The head, the loss, and the gradients of both, block of rows by block of rows, so that logits of more than one block never
/// exist: losses, dx = dlogits · W, and, where the head is trained, dW += dlogitsᵀ · x. Made by a pass from Linear, CrossEntropy, CrossEntropyGradient,
/// LinearInputGradient and WeightGradient.
/// </summary>
/// <param name="Output">dx [T × in]; of width 0 where nobody asks for it (only the head is trained).</param>
/// <param name="Losses">[T × 1].</param>
/// <param name="Place">The head's.</param>
/// <param name="Input">x [T × in].</param>
/// <param name="Weight">[vocab × in].</param>
/// <param name="Trained">Whether dW is computed.</param>
public sealed record HeadLoss(Value Output, Value Losses, Place Place, Value Input, Parameter Weight, bool Trained) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Value> Outputs => [Output, Losses];
    public override IEnumerable<Parameter> Parameters => [Weight];
    public override IEnumerable<Parameter> Targets => Trained ? [Weight] : [];
}

/// <summary>
/// A <see cref="GatedLinear"/> that keeps what its backward pass reads: hidden (<see cref="Operation.Output"/>) = f(gate) · up, gate = Wg · x + bg,
/// up = Wu · x + bu.
/// </summary>
public sealed record KeptGatedLinear(
    Value Output, Value GateOutput, Value UpOutput, Place Place, Value Input, LinearPart Gate, LinearPart Up, ActivationKind Activation)
    : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Input];
    public override IEnumerable<Value> Outputs => [Output, GateOutput, UpOutput];
    public override IEnumerable<Parameter> Parameters
        => new[] { Gate.Weight, Gate.Bias, Up.Weight, Up.Bias }.OfType<Parameter>();
}

/// <summary>Of h = f(gate) · up: dgate (<see cref="Operation.Output"/>) = dh · up · f'(gate), dup = dh · f(gate).</summary>
public sealed record GateGradient(
    Value Output, Value UpGradient, Place Place, Value Gate, Value Up, Value HiddenGradient, ActivationKind Activation) : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => [Gate, Up, HiddenGradient];
    public override IEnumerable<Value> Outputs => [Output, UpGradient];
}

/// <summary>The gradient of one product's outputs, and its parameters; <paramref name="Weight"/>, <paramref name="Bias"/> null: not trained (in a <see cref="FusedWeightGradient"/>).</summary>
public sealed record GradientPart(Value OutputGradient, Parameter? Weight, Parameter? Bias);

/// <summary>
/// dx = Σ_i dy_i · W_i (+ residual): of all products that read one input, whose matrices lie side by side. With a <paramref name="Gate"/> (made by a pass) dx is
/// dh, which goes on to dgate (<see cref="Operation.Output"/>) and dup tile by tile and is kept nowhere.
/// </summary>
public sealed record FusedInputGradient(Value Output, Place Place, EquatableArray<GradientPart> Parts, Value? Residual, GateGradient? Gate = null)
    : Operation(Output, Place)
{
    public override IEnumerable<Value> Inputs => Parts.Select(part => part.OutputGradient).Concat(Elementwise);
    public override IEnumerable<Value> Outputs => Gate?.Outputs ?? [Output];
    public override IEnumerable<Parameter> Parameters => Parts.Select(part => part.Weight!);

    /// <summary>Inputs that are read element by element, as the outputs are written.</summary>
    public IEnumerable<Value> Elementwise => new[] { Residual, Gate?.Gate, Gate?.Up }.OfType<Value>();
}

/// <summary>dW_i += dy_iᵀ · x, db_i += Σ_t dy_i[t]: of all products that read one input.</summary>
public sealed record FusedWeightGradient(Value Output, Place Place, Value Input, EquatableArray<GradientPart> Parts) : ParameterGradient(Output, Place)
{
    public override IEnumerable<Value> Inputs => new[] { Input }.Concat(Parts.Select(part => part.OutputGradient));
    public override IEnumerable<Parameter> Targets => Parts.SelectMany(part => new[] { part.Weight, part.Bias }.OfType<Parameter>());
}
