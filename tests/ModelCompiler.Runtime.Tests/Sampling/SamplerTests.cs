using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Sampling;

namespace ModelCompiler.Runtime.Tests.Sampling;

public sealed class SamplerTests
{
    private static readonly double[] probabilities = [0.05, 0.4, 0.1, 0.25, 0.2];
    private static readonly float[] logits = [.. probabilities.Select(p => (float)Math.Log(p))];

    public static TheoryData<string, double[]> Cases => new()
    {
        { "all", [0.05, 0.4, 0.1, 0.25, 0.2] },
        { "top-k 2", [0, 0.4, 0, 0.25, 0] },
        { "top-k 99", [0.05, 0.4, 0.1, 0.25, 0.2] },
        { "top-p 0.6", [0, 0.4, 0, 0.25, 0] },
        { "top-p 0.7", [0, 0.4, 0, 0.25, 0.2] },
        { "top-k 5 top-p 0.7", [0, 0.4, 0, 0.25, 0.2] },
        { "min-p 0.45", [0, 0.4, 0, 0.25, 0.2] },
        { "top-k 4 min-p 0.2", [0, 0.4, 0.1, 0.25, 0.2] },
        { "temperature 0.5", [0.0025, 0.16, 0.01, 0.0625, 0.04] },
        { "temperature 2", [0.2236, 0.6325, 0.3162, 0.5, 0.4472] },
        { "bias", [0.05, 0, 0.1, 0.25, 0.2 * Math.E] },
        { "everything", [0, 0.4, 0, 0.25, 0] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void DrawsFollowTheDistribution(string name, double[] expected)
    {
        GenerationOptions options = name switch
        {
            "all" => new(),
            "top-k 2" => new() { TopK = 2 },
            "top-k 99" => new() { TopK = 99 },
            "top-p 0.6" => new() { TopP = 0.6 },
            "top-p 0.7" => new() { TopP = 0.7 },
            "top-k 5 top-p 0.7" => new() { TopK = 5, TopP = 0.7 },
            "min-p 0.45" => new() { MinP = 0.45 },
            "top-k 4 min-p 0.2" => new() { TopK = 4, MinP = 0.2 },
            "temperature 0.5" => new() { Temperature = 0.5 },
            "temperature 2" => new() { Temperature = 2 },
            "bias" => new() { LogitBias = new Dictionary<int, float> { [1] = float.NegativeInfinity, [4] = 1 } },
            _ => new() { TopK = 4, TopP = 0.9, MinP = 0.6, Temperature = 1 },
        };
        const int Draws = 20_000;
        Sampler sampler = new(options with { Seed = 42 }, logits.Length);
        int[] counts = new int[logits.Length];
        for (int i = 0; i < Draws; i++)
        {
            counts[sampler.Next(logits, [])]++;
        }

        // χ² with at most 4 degrees of freedom: 18.5 is passed once in a thousand times, and the seed is fixed.
        double sum = expected.Sum();
        double chiSquare = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double mean = Draws * expected[i] / sum;
            Assert.True(mean > 0 || counts[i] == 0, $"token {i} must not be drawn");
            chiSquare += mean > 0 ? (counts[i] - mean) * (counts[i] - mean) / mean : 0;
        }

        Assert.True(chiSquare < 18.5, $"{name}: χ² = {chiSquare}");
    }

    [Fact]
    public void ASeedGivesTheSameTokensEverywhere()
    {
        Sampler sampler = new(new GenerationOptions { Seed = 7 }, logits.Length);
        Assert.Equal("3144441111234423121113313103121144411344", string.Concat(Enumerable.Range(0, 40).Select(_ => sampler.Next(logits, []))));
        Assert.Equal(7UL, sampler.Seed);
        Assert.NotEqual(new Sampler(new GenerationOptions(), 5).Seed, new Sampler(new GenerationOptions(), 5).Seed);
    }

    [Fact]
    public void TheRandomNumbersAreThoseOfThePaper()
    {
        // Vigna's splitmix64.c and xoshiro256starstar.c, state seeded from 0.
        RandomNumbers random = new(0);
        Assert.Equal(0x99EC5F36CB75F2B4UL, random.Next());
        Assert.Equal(0xBF6E1F784956452AUL, random.Next());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(1000)]
    public void ZeroTemperatureTakesTheFirstOfTheLargest(int at)
    {
        float[] row = new float[1003];
        row[at] = 5;
        row[1002] = 5;
        Assert.Equal(at, new Sampler(new GenerationOptions { Temperature = 0, TopK = 3, TopP = 0.5 }, row.Length).Next(row, []));
    }

    [Theory]
    [InlineData(1, 0, 0, 64, 0)]
    [InlineData(2, 0, 0, 64, 2)]
    [InlineData(1, 6, 0, 64, 2)]
    [InlineData(1, 0, 2.5, 64, 1)]
    [InlineData(1, 6, 0, 2, 0)]
    [InlineData(1, 6, 0, 0, 0)]
    public void PenaltiesPushTokensDown(double repetition, double presence, double frequency, int window, int expected)
    {
        // Token 0 comes twice, token 1 once; 3 once, and its logit is negative.
        float[] row = [10, 9, 5.5f, -1];
        GenerationOptions options = new() { Temperature = 0, RepetitionPenalty = repetition, PresencePenalty = presence, FrequencyPenalty = frequency, PenaltyWindow = window };
        Sampler sampler = new(options, row.Length);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(expected, sampler.Next(row, [0, 0, 1, 3, 3]));
        }

        Assert.Equal([10, 9, 5.5f, -1], row);
    }

    [Fact]
    public void NegativeLogitsAreMultipliedByTheRepetitionPenalty()
    {
        float[] row = [-2, -3];
        Assert.Equal(1, new Sampler(new GenerationOptions { Temperature = 0, RepetitionPenalty = 2 }, 2).Next(row, [0]));
    }

    /// <summary>The cuts that work without sorting against plain ones that sort, on a large vocabulary with many equal scores.</summary>
    [Theory]
    [InlineData(0, 0.9, 8f)]
    [InlineData(0, 0.999999, 2f)]
    [InlineData(0, 0.3, 0.001f)]
    [InlineData(0, 0.97, 300f)]
    [InlineData(50, 1.0, 8f)]
    [InlineData(5000, 0.9, 1f)]
    [InlineData(49_999, 1.0, 1f)]
    public void CutsAreExact(int topK, double topP, float spread)
    {
        const int Vocab = 50_000;
        Random random = new(5);
        float[] row = [.. Enumerable.Range(0, Vocab).Select(_ => MathF.Round(random.NextSingle() * 4096) / 4096 * spread)];
        int[] order = [.. Enumerable.Range(0, Vocab).OrderByDescending(i => row[i]).ThenBy(i => i)];
        double[] weights = [.. order.Select(i => Math.Exp(row[i] - (double)row[order[0]]))];
        int kept = topK > 0 ? topK : Vocab;
        double target = weights.Take(kept).Sum() * topP;
        double sum = 0;
        int reached = 0;
        while (reached < kept && sum < target)
        {
            sum += weights[reached++];
        }

        HashSet<int> allowed = [.. order.Take(topP < 1 ? reached : kept)];
        Sampler sampler = new(new GenerationOptions { TopK = topK, TopP = topP, Seed = 1 }, Vocab);
        HashSet<int> drawn = [];
        for (int i = 0; i < 300; i++)
        {
            drawn.Add(sampler.Next(row, []));
        }

        Assert.Subset(allowed, drawn);
        Assert.True(drawn.Count > Math.Min(allowed.Count, 300) / 2);
    }

    [Fact]
    public void ExactlyTheBestAreRanked()
    {
        Random random = new(6);
        RankedTokens ranked = new();
        for (int round = 0; round < 200; round++)
        {
            int count = random.Next(1, 3000);
            float[] row = [.. Enumerable.Range(0, count).Select(_ => random.Next(-50, 50) / 8f)];
            int k = random.Next(1, count + 2);
            ranked.SelectTop(row, k);
            int[] expected = [.. Enumerable.Range(0, count).OrderByDescending(i => row[i]).ThenBy(i => i).Take(k)];
            Assert.Equal(expected, Enumerable.Range(0, ranked.Count).Select(ranked.Token));
            Assert.Equal(expected.Select(i => row[i]), Enumerable.Range(0, ranked.Count).Select(ranked.Score));
        }
    }

    [Fact]
    public void ForbiddenTokensAreNeverDrawn()
    {
        float[] row = [float.NegativeInfinity, 1, float.NegativeInfinity, -80, float.NegativeInfinity];
        foreach (GenerationOptions options in (GenerationOptions[])[new() { TopK = 4 }, new() { TopP = 0.99999 }, new() { TopK = 5, TopP = 0.99999 }, new() { Temperature = 1e6 }, new() { Temperature = 1e-310 }])
        {
            Sampler sampler = new(options with { Seed = 3 }, 5);
            Assert.All(Enumerable.Range(0, 200), _ => Assert.Contains(sampler.Next(row, []), (int[])[1, 3]));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(70)]
    [InlineData(199)]
    public void LogitsThatAreNoNumbersAreReported(int at)
    {
        float[] row = new float[200];
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity])
        {
            row[at] = bad;
            Assert.Throws<NotFiniteLogitsException>(() => new Sampler(new GenerationOptions { Temperature = 0 }, 200).Next(row, []));
            Assert.Throws<NotFiniteLogitsException>(() => new Sampler(new GenerationOptions { TopK = 4 }, 200).Next(row, []));
        }

        Array.Fill(row, float.NegativeInfinity);
        Assert.Contains("forbidden", Assert.Throws<InvalidOperationException>(() => new Sampler(new GenerationOptions(), 200).Next(row, [])).Message);
    }

    [Fact]
    public void ChoosingTakesNoMemory()
    {
        float[] row = [.. Enumerable.Range(0, 5000).Select(i => i % 97 / 10f)];
        int[] history = [1, 2, 3, 1];
        GenerationOptions[] all = [new() { Temperature = 0 }, new() { TopK = 40, TopP = 0.9 }, new() { TopP = 0.9, MinP = 0.01 }, new() { RepetitionPenalty = 1.1 }];
        foreach (GenerationOptions options in all)
        {
            Sampler sampler = new(options with { Seed = 1 }, row.Length);
            sampler.Next(row, history);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++)
            {
                sampler.Next(row, history);
            }

            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    [Fact]
    public void OptionsOutOfRangeAreNamed()
    {
        (GenerationOptions Options, string Name)[] wrong =
        [
            (new() { MaxTokens = 0 }, "MaxTokens"), (new() { Temperature = -1 }, "Temperature"), (new() { Temperature = double.NaN }, "Temperature"),
            (new() { TopK = -1 }, "TopK"), (new() { TopP = 0 }, "TopP"), (new() { TopP = 1.5 }, "TopP"), (new() { TopP = double.NaN }, "TopP"),
            (new() { MinP = -0.1 }, "MinP"), (new() { RepetitionPenalty = 0 }, "RepetitionPenalty"), (new() { PresencePenalty = double.NaN }, "PresencePenalty"),
            (new() { FrequencyPenalty = double.PositiveInfinity }, "FrequencyPenalty"), (new() { PenaltyWindow = -1 }, "PenaltyWindow"),
            (new() { LogProbabilities = -1 }, "LogProbabilities"), (new() { StopTexts = [""] }, "StopTexts"),
            (new() { LogitBias = new Dictionary<int, float> { [5] = 1 } }, "LogitBias"), (new() { LogitBias = new Dictionary<int, float> { [0] = float.NaN } }, "LogitBias"),
        ];
        foreach ((GenerationOptions options, string name) in wrong)
        {
            ArgumentOutOfRangeException thrown = Assert.Throws<ArgumentOutOfRangeException>(() => new Sampler(options, 5));
            Assert.Equal(name, thrown.ParamName);
            Assert.StartsWith($"GenerationOptions.{name}: found '", thrown.Message);
        }
    }
}
