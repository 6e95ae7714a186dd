namespace ModelCompiler.Tool.Measurement;

/// <summary>What the machine can do at most: the measure that a model's speed is held against.</summary>
/// <param name="FlopsPerSecond">float32 multiply and add, counted as two, on all threads together.</param>
/// <param name="ReadBytesPerSecond">Bytes read from memory, each thread front to back through its own block.</param>
/// <param name="CacheReadBytesPerSecond">The same from the last-level cache; 0 where its size is not known.</param>
internal sealed record MachinePeaks(double FlopsPerSecond, double ReadBytesPerSecond, double CacheReadBytesPerSecond);
