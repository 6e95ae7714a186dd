using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>What works row by row: norms, rotations, kept gates, activations, tables.</summary>
public class RowGradientTests
{
    public static TheoryData<NormKind, int, int, int, bool, bool> Norms => new()
    {
        { NormKind.Rms, 1, 48, 48, true, false },
        { NormKind.Rms, 1, 40, 48, true, true },
        { NormKind.Rms, 3, 8, 16, true, false },
        { NormKind.Rms, 2, 24, 32, false, true },
        { NormKind.Layer, 1, 64, 64, true, true },
        { NormKind.Layer, 1, 40, 48, true, false },
        { NormKind.Layer, 3, 8, 16, true, true },
    };

    [Theory]
    [MemberData(nameof(Norms))]
    public void Norm(NormKind kind, int groups, int width, int groupStride, bool hasWeight, bool hasResidual)
    {
        const int Rows = 37;
        const double Epsilon = 1e-5;
        KernelData data = new(width);
        bool layer = kind == NormKind.Layer;
        int stride = (groups * groupStride) + 16, padded = groups * groupStride;
        KernelStep step = new(Rows);
        float[] x = data.Rows(Rows, stride, width, groups, groupStride), dy = data.Rows(Rows, stride, width, groups, groupStride), residual = data.Rows(Rows, stride, width, groups, groupStride);
        float[] gain = data.Rows(1, groupStride, width), bias = data.Rows(1, groupStride, width), y = new float[Rows * stride], dx = new float[Rows * stride];
        float[] statistics = new float[Rows * 2 * groups];

        RowNormKernel forward = new("Norm", kind, groups, width, groupStride, stride, stride, Epsilon, hasWeight, layer);
        float[][] weights = [.. hasWeight ? [gain] : Array.Empty<float[]>(), .. layer ? [bias] : Array.Empty<float[]>()];
        float[] normed = step.RunEverywhere(new(forward), [x, y, .. weights])[1];

        NormGradientKernel backward = new("NormGradient", kind, groups, width, groupStride, stride, stride, hasResidual ? stride : 0, stride, 2 * groups, Epsilon, hasWeight, hasResidual);
        EmittedKernel gradientKernel = new(backward);
        float[][] gained = hasWeight ? [gain] : [];
        float[][] results = step.RunEverywhere(gradientKernel, [x, dy, .. hasResidual ? [residual] : Array.Empty<float[]>(), dx, statistics, .. gained]);
        int at = hasResidual ? 3 : 2;
        float[] inPlace = step.RunEverywhere(gradientKernel, [x, dy, .. hasResidual ? [residual] : Array.Empty<float[]>(), dy, statistics, .. gained])[at];
        Bits.AssertEqual(results[at][..padded], inPlace[..padded], "dx in the place of dy");
        float[] statisticsAlone = step.RunEverywhere(new(backward with { Name = "Statistics", HasOutput = false, HasResidual = false }), x, statistics)[1];
        Bits.AssertEqual(results[at + 1], statisticsAlone, "statistics alone");

        NormParameterGradientKernel parameters = new("NormParameterGradient", kind, groups, width, groupStride, stride, stride, 2 * groups, hasWeight, layer);
        float[][] sums = hasWeight || layer ? step.RunEverywhere(new(parameters), [x, dy, results[at + 1], .. weights]) : [];

        double[] expectedY = new double[Rows * stride], expected = new double[Rows * stride];
        double[] gainSums = [.. gain.Select(value => (double)value)], biasSums = [.. bias.Select(value => (double)value)];
        for (int begin = 0; begin < Rows * stride; begin += stride)
        {
            for (int group = 0; group < groups; group++)
            {
                int first = begin + (group * groupStride);
                double mean = layer ? Enumerable.Range(first, width).Average(i => (double)x[i]) : 0;
                double r = 1 / Math.Sqrt(Enumerable.Range(first, width).Average(i => (x[i] - mean) * (x[i] - mean)) + Epsilon);
                double[] n = [.. Enumerable.Range(first, width).Select(i => (x[i] - mean) * r)];
                double[] g = [.. Enumerable.Range(0, width).Select(i => dy[first + i] * (hasWeight ? (double)gain[i] : 1))];
                double shift = layer ? g.Average() : 0, slope = g.Zip(n, (a, b) => a * b).Average();
                for (int i = 0; i < width; i++)
                {
                    expectedY[first + i] = (n[i] * (hasWeight ? gain[i] : 1)) + (layer ? bias[i] : 0);
                    expected[first + i] = (r * (g[i] - shift - (n[i] * slope))) + (hasResidual ? residual[first + i] : 0);
                    gainSums[i] += dy[first + i] * n[i];
                    biasSums[i] += dy[first + i];
                }
            }
        }

        KernelData.AssertClose(expectedY, normed, "y");
        KernelData.AssertClose(expected, results[at], "dx");
        Assert.All(results[at].Where((_, i) => i % stride >= padded || i % stride % groupStride >= width), value => Assert.Equal(0, value));
        if (hasWeight)
        {
            KernelData.AssertClose(gainSums, sums[3], "dgain");
        }

        if (layer)
        {
            KernelData.AssertClose(biasSums, sums[^1], "dbias");
        }
    }

    [Theory]
    [InlineData(3, 8, 16, 4)]
    [InlineData(2, 64, 64, 32)]
    [InlineData(2, 48, 48, 16)]
    public void RotationAndBack(int heads, int headDim, int headStride, int pairs)
    {
        KernelData data = new(pairs);
        KernelStep step = new(7, 80) { RopeTables = [new([1.0]), new([.. Enumerable.Range(0, pairs).Select(i => Math.Pow(10000, -(double)i / pairs))], 1.25)] };
        int stride = heads * headStride, inStride = stride + 16;
        float[] x = data.Rows(step.Rows, inStride, headDim, heads, headStride);
        RotateKernel plan = new("Turn", heads, headDim, headStride, inStride, stride, 1, pairs, false);
        float[] turned = step.RunEverywhere(new(plan), x, new float[step.Rows * stride])[1];
        float[] back = step.RunEverywhere(new(plan with { Name = "Back", InStride = stride, Backward = true }), turned, turned)[1];
        double[] expected = new double[step.Rows * stride], again = new double[step.Rows * stride];
        for (int row = 0; row < step.Rows; row++)
        {
            for (int i = 0; i < stride; i++)
            {
                int element = i % headStride, pair = element % pairs;
                double angle = step.Positions[row] * Math.Pow(10000, -(double)pair / pairs), value = x[(row * inStride) + i];
                double other = element < 2 * pairs ? x[(row * inStride) + i + (element < pairs ? pairs : -pairs)] : 0;
                expected[(row * stride) + i] = element >= 2 * pairs ? value
                    : 1.25 * ((value * Math.Cos(angle)) + ((element < pairs ? -1 : 1) * other * Math.Sin(angle)));
                again[(row * stride) + i] = element >= 2 * pairs ? value : 1.25 * 1.25 * value;
            }
        }

        KernelData.AssertClose(expected, turned, "turned");
        KernelData.AssertClose(again, back, "turned back: times the table's factor twice");
    }

    public static TheoryData<ActivationKind> Activations => [.. Enum.GetValues<ActivationKind>()];

    [Theory]
    [MemberData(nameof(Activations))]
    public void Activation(ActivationKind activation)
    {
        const int Rows = 41, Width = 48;
        KernelStep step = new(Rows);
        KernelData data = new((int)activation);
        float[] x = data.Rows(Rows, Width, Width, scale: 3), dy = data.Rows(Rows, Width, Width);
        for (int i = 0; i < 8; i++)
        {
            x[i] = (i - 4) * 30;
        }

        double[] slopes = [.. x.Select(value => ActivationFunctions.Slope(activation, value))];
        float[] dx = step.RunEverywhere(new(new ActivationGradientKernel("ActivationGradient", activation, 0, Width, Width, Width, Width)), x, dy, new float[Rows * Width])[2];
        KernelData.AssertClose([.. slopes.Select((slope, i) => slope * dy[i])], dx, "dx");
        Assert.All(dx.Zip(slopes.Select((slope, i) => slope * dy[i])), pair => Assert.Equal(pair.Second, pair.First, 5e-6));
    }

    [Fact]
    public void SoftCap()
    {
        const int Rows = 9, Width = 32;
        KernelData data = new(3);
        float[] x = data.Rows(Rows, Width, Width, scale: 20), dy = data.Rows(Rows, Width, Width);
        float[] dx = new KernelStep(Rows).RunEverywhere(new(new ActivationGradientKernel("SoftCapGradient", null, 30, Width, Width, Width, Width)), x, dy, new float[Rows * Width])[2];
        KernelData.AssertClose([.. x.Select((value, i) => dy[i] * (1 - Math.Pow(Math.Tanh(value / 30), 2)))], dx, "dx");
    }

    /// <summary>The bits of the inference kernel, and what it forgets.</summary>
    [Theory]
    [InlineData(48, 64, 1, true, "f32")]
    [InlineData(48, 208, 1, false, "f32")]
    [InlineData(192, 96, 2, true, "f32")]
    [InlineData(192, 96, 4, false, "bf16")]
    public void KeptGateHasTheBitsOfTheGatedProduct(int inputs, int outputs, int blocks, bool hasBias, string formatName)
    {
        const int Rows = 35;
        KernelData data = new(outputs);
        KernelStep step = new(Rows);
        WeightFormat format = WeightFormat.Find(formatName)!;
        float[] x = data.Rows(Rows, inputs, inputs), bias = data.Rows(1, 2 * outputs, outputs, 2, outputs);
        float[][] parts = [data.Matrix(outputs, inputs, outputs, inputs), data.Matrix(outputs, inputs, outputs, inputs)];
        float[] panels = KernelData.Pack(format, inputs, parts);
        float[] matrix = KernelData.Unpack(format, inputs, 2, outputs, panels);
        float[][] biases = hasBias ? [bias] : [];
        LinearKernel gated = new("Gated", format, inputs, outputs, blocks, inputs, outputs, 0, hasBias, false, ActivationKind.Silu, true, false);
        KeptGateKernel kept = new("Kept", format, inputs, outputs, blocks, inputs, outputs, 2 * outputs, 2 * outputs, hasBias, ActivationKind.Silu);
        float[] expected = step.RunEverywhere(new(gated), [x, new float[Rows * outputs], panels, .. biases])[1];
        float[][] results = step.RunEverywhere(new(kept), [x, new float[Rows * outputs], new float[Rows * 2 * outputs], new float[Rows * 2 * outputs], panels, .. biases]);
        Bits.AssertEqual(expected, results[1], "hidden");
        for (int part = 0; part < 2; part++)
        {
            KernelData.AssertClose(
                [.. from row in Enumerable.Range(0, Rows) from output in Enumerable.Range(0, 2 * outputs)
                    select output >= outputs ? 0 : (hasBias ? bias[(part * outputs) + output] : 0)
                        + Enumerable.Range(0, inputs).Sum(k => (double)x[(row * inputs) + k] * matrix[(((part * outputs) + output) * inputs) + k])],
                results[2 + part], part == 0 ? "gate" : "up");
        }
    }

    [Theory]
    [InlineData(40, 1.0)]
    [InlineData(130, 6.5)]
    public void Tables(int vocab, double factor)
    {
        const int Width = 48, Stride = 64;
        KernelData data = new(vocab);
        int padded = (vocab + 15) / 16 * 16;
        KernelStep step = new(40, 7) { Tokens = data.Integers(47, vocab) };
        float[] dy = data.Rows(47, Stride, Width);
        float[] before = data.Matrix(padded, Width, vocab, Width);
        float[] after = step.RunEverywhere(new(new EmbeddingGradientKernel("EmbeddingGradient", Width, Width, padded, Stride, factor)), dy, KernelData.Pack(F32Format.Instance, Width, before))[1];
        double[] expected = [.. before.Select(value => (double)value)], positions = new double[44 * Width];
        for (int i = 0; i < 47 * Width; i++)
        {
            (int row, int k) = (i / Width, i % Width);
            expected[(step.Tokens[row] * Width) + k] += dy[(row * Stride) + k] * factor;
            positions[((step.Positions[row] + 2) * Width) + k] += dy[(row * Stride) + k];
        }

        KernelData.AssertClose(expected, KernelData.Unpack(F32Format.Instance, Width, 1, padded, after), "dtable");
        float[] sums = step.RunEverywhere(new(new PositionGradientKernel("PositionGradient", Width, 2, Stride)), dy, new float[44 * Width])[1];
        KernelData.AssertClose(positions, sums, "dpositions");
    }
}
