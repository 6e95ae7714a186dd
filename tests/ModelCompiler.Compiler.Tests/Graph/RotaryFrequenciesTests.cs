using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Tests.Graph;

public class RotaryFrequenciesTests
{
    private const string Llama3 =
        "\"factor\": 8.0, \"high_freq_factor\": 4.0, \"low_freq_factor\": 1.0, \"original_max_position_embeddings\": 128";

    [Fact]
    public void FrequenciesFallGeometrically()
        => AssertClose(Enumerable.Range(0, 10).Select(i => Math.Pow(10000, -2.0 * i / 20)), Frequencies("\"rope_theta\": 10000.0"));

    [Theory]
    [InlineData("\"rope_theta\": 500000.0, \"rope_scaling\": null")]
    [InlineData("\"rope_theta\": 500000.0, \"rope_scaling\": {\"rope_type\": \"default\"}")]
    [InlineData("\"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500000.0}")]
    [InlineData("\"rope_parameters\": {\"rope_theta\": 500000.0}")]
    public void ThetaIsReadWhereOlderAndNewerConfigsHaveIt(string settings)
        => AssertClose(Enumerable.Range(0, 10).Select(i => Math.Pow(500000, -2.0 * i / 20)), Frequencies(settings));

    [Theory]
    [InlineData("\"rope_scaling\": {\"type\": \"linear\", \"factor\": 4}")]
    [InlineData("\"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 4.0, \"rope_theta\": 10000}")]
    public void LinearScalingDividesAll(string settings)
        => AssertClose(Enumerable.Range(0, 10).Select(i => Math.Pow(10000, -2.0 * i / 20) / 4), Frequencies(settings));

    // The published definition, in the order of the transformers library (_compute_llama3_parameters).
    [Theory]
    [InlineData("\"rope_scaling\": {\"rope_type\": \"llama3\", " + Llama3 + "}")]
    [InlineData("\"rope_parameters\": {\"rope_type\": \"llama3\", \"rope_theta\": 10000.0, " + Llama3 + "}")]
    public void Llama3ScalingFollowsItsDefinition(string settings)
    {
        List<int> bands = [];
        double Scaled(double frequency)
        {
            double wavelength = 2 * Math.PI / frequency;
            bands.Add(wavelength < 128 / 4.0 ? 0 : wavelength > 128 / 1.0 ? 2 : 1);
            double smooth = ((128 / wavelength) - 1) / (4 - 1);
            return bands[^1] switch
            {
                0 => frequency,
                2 => frequency / 8,
                _ => ((1 - smooth) * frequency / 8) + (smooth * frequency),
            };
        }

        double[] expected = [.. Enumerable.Range(0, 10).Select(i => Scaled(Math.Pow(10000, -2.0 * i / 20)))];
        Assert.Equal([0, 1, 2], bands.Distinct());
        AssertClose(expected, Frequencies(settings));
    }

    [Fact]
    public void FrequenciesAreTheFloatsOfTheTransformersLibrary()
    {
        // 1.0 / (base ** (torch.arange(0, dim, 2).float() / dim)) in float32.
        double[] frequencies = [.. Frequencies("\"rope_theta\": 500000.0")];
        for (int i = 0; i < frequencies.Length; i++)
        {
            float published = 1f / MathF.Pow(500000f, 2f * i / 20f);
            Assert.Equal(published, (float)frequencies[i], published * 1e-6f);
        }
    }

    [Fact]
    public void AllLayersShareOneTable()
    {
        ModelGraph graph = SyntheticModel.Llama().BuildCleanly();

        Assert.Single(graph.RopeTables);
        Assert.Equal(20, graph.RopeTables[0].RotatedWidth);
        Assert.All(graph.Operations.OfType<Rope>(), rope => Assert.Equal(0, rope.Table));
    }

    private static IEnumerable<double> Frequencies(string settings)
        => SyntheticModel.Llama().Set(settings).BuildCleanly().RopeTables[0].InverseFrequencies;

    private static void AssertClose(IEnumerable<double> expected, IEnumerable<double> actual)
    {
        Assert.Equal(expected.Count(), actual.Count());
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, Math.Abs(pair.First) * 1e-15));
    }
}
