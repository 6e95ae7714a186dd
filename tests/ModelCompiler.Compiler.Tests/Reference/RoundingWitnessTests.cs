using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Reference;

namespace ModelCompiler.Compiler.Tests.Reference;

/// <summary>The reference goes with an engine where either way is right, and nowhere else.</summary>
public class RoundingWitnessTests
{
    private static readonly Value keys = new(1, "keys", 32);

    /// <summary>Between 1 and its neighbour in bfloat16, 1 + 2⁻⁷.</summary>
    [Theory]
    [InlineData(1e-6, true)]
    [InlineData(-1e-6, true)]
    [InlineData(3e-5, false)]
    public void OnlyTheMiddleIsFollowed(double beyondTheMiddle, bool follows)
    {
        const double Upper = 1 + 0.0078125;
        double[] exact = new double[32];
        exact[3] = ((1 + Upper) / 2) + beyondTheMiddle;
        double own = beyondTheMiddle > 0 ? Upper : 1, other = beyondTheMiddle > 0 ? 1 : Upper;
        float[] engine = new float[32];
        engine[3] = (float)other;

        RoundingWitness witness = new();
        witness.AddCached(keys, engine);
        double[] rounded = witness.RoundCached(keys, exact, 32, BF16Cache.Instance);
        Assert.Equal(follows ? other : own, rounded[3]);
        Assert.Equal((32, follows ? 1 : 0, follows ? 0 : 1), (witness.Rounded, witness.Followed, witness.Wrong));
        Assert.Same(rounded, witness.Taken(keys));
    }

    /// <summary>A channel of a head that is large beside the others makes nothing of theirs the middle.</summary>
    [Fact]
    public void AnOutlierHidesNothing()
    {
        double[] exact = [.. Enumerable.Range(0, 32).Select(i => i == 7 ? 100 : 0.3 + (i * 0.01))];
        float[] engine = [.. exact.Select((number, i) => (float)(i == 7 ? number : number * 1.001))];
        BF16Cache.Instance.Round(engine);
        RoundingWitness witness = new();
        witness.AddCached(keys, engine);
        witness.RoundCached(keys, exact, 32, BF16Cache.Instance);
        Assert.NotEqual(0, witness.Wrong);
    }

    /// <summary>The largest number lies where the group's scale turns: all of the group is rounded with the engine's.</summary>
    [Theory]
    [InlineData(1e-6)]
    [InlineData(-1e-6)]
    public void AScaleInTheMiddleIsFollowedToo(double beyond)
    {
        double[] exact = [.. Enumerable.Range(0, 32).Select(i => 127 * 0.0078125 * (1 + beyond) * (i + 1) / 32)];
        float[] engine = [.. exact.Select(number => (float)(number * (1 - (2 * beyond))))];
        float[] own = [.. exact.Select(number => (float)number)];
        Q8Cache.Instance.Round(engine);
        Q8Cache.Instance.Round(own);
        Assert.NotEqual(own, engine);

        RoundingWitness witness = new();
        witness.AddCached(keys, engine);
        Assert.Equal(engine, witness.RoundCached(keys, exact, 32, Q8Cache.Instance).Select(number => (float)number));
        Assert.Equal(0, witness.Wrong);
        Assert.InRange(witness.Farthest, 0, RoundingWitness.Tie);

        engine[5] += 2 * 0.0078125f;
        witness = new();
        witness.AddCached(keys, engine);
        Assert.Equal(own[5], witness.RoundCached(keys, exact, 32, Q8Cache.Instance)[5]);
        Assert.NotEqual(0, witness.Wrong);
    }

    [Fact]
    public void WhatNobodySawIsNotGuessed()
        => Assert.Contains("'keys'", Assert.Throws<InvalidOperationException>(() => new RoundingWitness().RoundCached(keys, new double[32], 32, BF16Cache.Instance)).Message);
}
