namespace ModelCompiler.Runtime.Sessions;

/// <summary>What one session reads in a call for several: see <see cref="CompiledModel.Forward"/>.</summary>
/// <param name="Session">A session of the model; each at most once in a call.</param>
/// <param name="Tokens">At least one.</param>
/// <param name="Which">Of which of them the logits are computed; they are then in <see cref="Session.Logits"/>.</param>
public readonly record struct SessionTokens(Session Session, ReadOnlyMemory<int> Tokens, LogitsFor Which = LogitsFor.Last);
