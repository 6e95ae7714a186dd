using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Runtime.Tests.Training;

/// <summary>The optimizer against plain loops in double precision.</summary>
public sealed unsafe class AdamWTests
{
    [Theory]
    [InlineData(1.0)] // clips
    [InlineData(0.0)] // never clips
    public void TenStepsAreThoseOfTheEquations(double clip)
    {
        using BigramModel model = new BigramModel().Fill();
        AdamWOptions options = new() { ClipNorm = clip, WeightDecay = 0.1 };
        using AdamW optimizer = new(model, options);
        double[] table = [.. model.Read("table").Select(x => (double)x)];
        double[] bias = [.. model.Read("bias").Select(x => (double)x)];
        PlainAdamW plainTable = new(table, options, decays: true);
        PlainAdamW plainBias = new(bias, options, decays: false);
        for (int t = 1; t <= 10; t++)
        {
            double[] tableGradient = [.. table.Select((_, i) => (double)(float)(Math.Sin((i * 0.11) + t) * 0.3))];
            double[] biasGradient = [.. bias.Select((_, i) => (double)(float)(Math.Cos(i + (t * 0.7)) * 0.2))];
            Set(model, "table", tableGradient);
            Set(model, "bias", biasGradient);
            double norm = Math.Sqrt(tableGradient.Concat(biasGradient).Sum(g => g * g));
            double rate = 0.01 * t;

            Assert.Equal(norm, optimizer.Step(rate), 1e-12 * norm);
            double factor = clip == 0 ? 1 : Math.Min(1, clip / (norm + 1e-6));
            plainTable.Step(tableGradient, factor, rate, t);
            plainBias.Step(biasGradient, factor, rate, t);
        }

        Assert.Equal(10, optimizer.StepCount);
        AssertClose(table, model.Read("table"));
        AssertClose(bias, model.Read("bias"));
        Assert.Equal(0, optimizer.GradientNorm());
    }

    [Fact]
    public void PaddingStaysZero()
    {
        using BigramModel model = new BigramModel().Fill();
        using AdamW optimizer = new(model);
        Set(model, "table", [.. Enumerable.Repeat(0.5, BigramModel.Vocab * BigramModel.Vocab)]);
        optimizer.Step(0.1);
        int padding = (int)model.LengthFloats - ((BigramModel.Vocab + 1) * BigramModel.Vocab);
        Assert.Equal(padding, new Span<float>(model.Parameters, (int)model.LengthFloats).Count(0f));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void AGradientThatIsNoNumberMovesNothing(float bad)
    {
        using BigramModel model = new BigramModel().Fill();
        using AdamW optimizer = new(model);
        float[] before = model.Read("table");
        model.Gradients[17] = bad;
        NotFiniteTrainingException fault = Assert.Throws<NotFiniteTrainingException>(() => optimizer.Step(0.1));
        Assert.Equal(1, fault.Step);
        Assert.False(double.IsFinite(fault.Value));
        Assert.Equal(before, model.Read("table"));
        Assert.Equal(0, optimizer.StepCount);
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        using BigramModel model = new();
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW(model, new() { Beta1 = 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW(model, new() { Beta2 = double.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW(model, new() { Epsilon = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW(model, new() { WeightDecay = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW(model, new() { ClipNorm = double.PositiveInfinity }));
    }

    private static void Set(BigramModel model, string name, double[] gradient)
        => model.WritePublished(model.Gradients, name, [.. gradient.Select(g => (float)g)]);

    // Ten steps in float32: each rounds to 2^-24 of numbers below 1.
    private static void AssertClose(double[] expected, float[] found)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], found[i], 2e-6);
        }
    }

    /// <summary>As torch.optim.AdamW documents it.</summary>
    private sealed class PlainAdamW(double[] w, AdamWOptions options, bool decays)
    {
        private readonly double[] m = new double[w.Length];
        private readonly double[] v = new double[w.Length];

        public void Step(double[] gradient, double factor, double rate, int t)
        {
            for (int i = 0; i < w.Length; i++)
            {
                double g = gradient[i] * factor;
                w[i] -= decays ? rate * options.WeightDecay * w[i] : 0;
                m[i] = (options.Beta1 * m[i]) + ((1 - options.Beta1) * g);
                v[i] = (options.Beta2 * v[i]) + ((1 - options.Beta2) * g * g);
                double mean = m[i] / (1 - Math.Pow(options.Beta1, t));
                double square = v[i] / (1 - Math.Pow(options.Beta2, t));
                w[i] -= rate * mean / (Math.Sqrt(square) + options.Epsilon);
            }
        }
    }
}
