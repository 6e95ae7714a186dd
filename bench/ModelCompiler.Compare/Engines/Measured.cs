namespace ModelCompiler.Compare.Engines;

/// <summary>Prompt and decode lengths that all engines measure: what is left of the asked ones when ours was cut to the model's context.</summary>
internal sealed record Lengths(int Prompt, int Gen, int Depth);

/// <summary>What an engine found in one round.</summary>
/// <param name="PromptTokensPerSecond">Median of the round's repeats; null: not measured.</param>
/// <param name="DecodeTokensPerSecond">Likewise.</param>
/// <param name="WeightsBytes">Packed weights, or the tensors of a file.</param>
/// <param name="ReadBytesPerToken">Weight bytes that one decoded token reads.</param>
/// <param name="CacheBytesPerNumber">Of a key's or value's number.</param>
/// <param name="ResidentBytes">The most memory of the process; 0: not known.</param>
/// <param name="Version">Of the engine.</param>
/// <param name="Command">As a person would type it.</param>
/// <param name="Machine">What only ours finds out.</param>
internal sealed record Measured(
    double? PromptTokensPerSecond, double? DecodeTokensPerSecond, long WeightsBytes, long ReadBytesPerToken, double CacheBytesPerNumber, long ResidentBytes,
    string Version, string Command, MachineShare? Machine = null);

/// <summary>The machine's peaks, from the same seconds as our speed, and what a token costs.</summary>
/// <param name="FlopsPerSecond">Fused multiply-adds of float32, counted as two.</param>
/// <param name="ReadBytesPerSecond">Reads of memory, or of the last-level cache where what we read fits it.</param>
/// <param name="ReadsCache">Which of them.</param>
/// <param name="FlopsPerToken">Multiplications and additions for a token of the prompt; the same for every engine.</param>
/// <param name="CacheNumbersPerToken">Keys and values that a decoded token reads; the same for every engine.</param>
/// <param name="CacheBytes">Our keys and values.</param>
/// <param name="Lengths">What was measured.</param>
internal sealed record MachineShare(double FlopsPerSecond, double ReadBytesPerSecond, bool ReadsCache, double FlopsPerToken, double CacheNumbersPerToken, long CacheBytes, Lengths Lengths);
