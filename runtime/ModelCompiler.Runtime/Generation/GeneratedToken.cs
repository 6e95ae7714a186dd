namespace ModelCompiler.Runtime.Generation;

/// <summary>A generated token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="LogProbability">ln of the probability that the model gave it; null unless <see cref="GenerationOptions.LogProbabilities"/> asks for it.</param>
/// <param name="MostLikely">The most likely tokens in its place, best first, as many as were asked for.</param>
public readonly record struct GeneratedToken(int Id, float? LogProbability, IReadOnlyList<TokenProbability> MostLikely);

/// <summary>A token and ln of its probability.</summary>
public readonly record struct TokenProbability(int Id, float LogProbability);
