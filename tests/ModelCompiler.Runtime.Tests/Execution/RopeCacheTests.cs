using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Tests.Execution;

public sealed class RopeCacheTests
{
    [Fact]
    public unsafe void HoldsCosinesThenSinesOfEveryPosition()
    {
        RopeFrequencies[] tables = [Frequencies(10, 10_000, 1), Frequencies(32, 500_000, 1.25)];
        using RopeCache cache = new(tables, 1000);
        cache.Reserve(65);
        cache.Reserve(1000);
        Worker worker = new() { RopeBlocks = cache.Blocks, RopeRowFloats = cache.RowFloats };
        for (int table = 0; table < tables.Length; table++)
        {
            int pairs = tables[table].InverseFrequencies.Count;
            int padded = (pairs + 15) / 16 * 16;
            for (int position = 0; position < 1000; position++)
            {
                float* row = worker.Rope(table, position);
                Assert.Equal(0, (long)row % 64);
                for (int pair = 0; pair < padded; pair++)
                {
                    double angle = pair < pairs ? position * tables[table].InverseFrequencies[pair] : 0;
                    double cos = pair < pairs ? Math.Cos(angle) * tables[table].AttentionFactor : 0;
                    Assert.Equal((float)cos, row[pair], 1e-7f);
                    Assert.Equal((float)(Math.Sin(angle) * tables[table].AttentionFactor), row[padded + pair], 1e-7f);
                }
            }
        }
    }

    [Fact]
    public void NothingIsTakenForAModelWithoutRotaryTables()
    {
        using RopeCache cache = new([], 1 << 30);
        cache.Reserve(1 << 30);
    }

    [Fact]
    public void AnglesBeyondTheReductionAreRefused()
        => Assert.Throws<NotSupportedException>(() => new RopeCache([new RopeFrequencies([10.0])], 1 << 27));

    private static RopeFrequencies Frequencies(int pairs, double theta, double factor)
        => new([.. Enumerable.Range(0, pairs).Select(i => Math.Pow(theta, -(double)i / pairs))], factor);
}
