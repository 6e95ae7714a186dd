using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Gradients of a projection's matrix, bias and input against plain loops in double precision.</summary>
public class ProductGradientTests
{
    /// <summary>rows, inputs, outputs of a part (both padded to 16), parts.</summary>
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 1, 48, 48, 1 },
        { 5, 16, 64, 1 },
        { 130, 48, 208, 1 },
        { 67, 176, 96, 2 },
        { 130, 128, 128, 2 },
        { 33, 80, 32, 2 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void WeightGradientAddsToWhatIsThere(int rows, int inputs, int outputs, int parts)
    {
        KernelData data = new(rows);
        int inStride = inputs + 16, stride = (parts * outputs) + 32;
        float[] x = data.Rows(rows, inStride, inputs - 8), dy = data.Rows(rows, stride, outputs - 8, parts, outputs);
        float[][] before = [.. Enumerable.Range(0, parts).Select(_ => data.Matrix(outputs, inputs, outputs - 8, inputs - 8))];
        float[] bias = data.Rows(1, parts * outputs, outputs - 8, parts, outputs);
        WeightGradientKernel plan = new("WeightGradient", parts, inputs, outputs, 96, inStride, stride, true, true);
        float[][] after = new KernelStep(rows).RunEverywhere(new(plan), x, dy, KernelData.Pack(F32Format.Instance, inputs, before), bias);

        double[] sums = [.. before.SelectMany(part => part).Select(value => (double)value)], biasSums = [.. bias.Select(value => (double)value)];
        for (int row = 0; row < rows; row++)
        {
            for (int output = 0; output < parts * outputs; output++)
            {
                double gradient = dy[(row * stride) + output];
                biasSums[output] += gradient;
                for (int input = 0; input < inputs; input++)
                {
                    sums[(output * inputs) + input] += gradient * x[(row * inStride) + input];
                }
            }
        }

        float[] result = KernelData.Unpack(F32Format.Instance, inputs, parts, outputs, after[2]);
        KernelData.AssertClose(sums, result, "dW");
        KernelData.AssertClose(biasSums, after[3], "db");
        Assert.All(result.Where((_, i) => i % inputs >= inputs - 8 || i / inputs % outputs >= outputs - 8), value => Assert.Equal(0, value));
    }

    [Fact]
    public void BiasAlone()
    {
        float[] dy = new KernelData(1).Rows(70, 160, 144);
        WeightGradientKernel plan = new("BiasGradient", 1, 48, 144, 48, 48, 160, false, true);
        float[] after = new KernelStep(70).RunEverywhere(new(plan), new float[70 * 48], dy, new float[144])[2];
        KernelData.AssertClose([.. Enumerable.Range(0, 144).Select(c => Enumerable.Range(0, 70).Sum(row => (double)dy[(row * 160) + c]))], after, "db");
    }

    /// <summary>Row by row or all at once, in any number of steps: the same chains.</summary>
    [Fact]
    public void AccumulationOverStepsHasTheBitsOfOneStep()
    {
        KernelData data = new(2);
        EmittedKernel kernel = new(new WeightGradientKernel("WeightGradient", 1, 48, 80, 48, 48, 80, true, true));
        float[] x = data.Rows(130, 48, 48), dy = data.Rows(130, 80, 80);
        float[][] whole = new KernelStep(130).RunEverywhere(kernel, x, dy, new float[48 * 80], new float[80]);
        float[][] first = new KernelStep(37).RunEverywhere(kernel, x[..(37 * 48)], dy[..(37 * 80)], new float[48 * 80], new float[80]);
        float[][] second = new KernelStep(93).RunEverywhere(kernel, x[(37 * 48)..], dy[(37 * 80)..], first[2], first[3]);
        Conformance.Bits.AssertEqual(whole[2], second[2], "dW");
        Conformance.Bits.AssertEqual(whole[3], second[3], "db");
    }

    public static TheoryData<int, int, int, int, string, int, bool> InputShapes => new()
    {
        { 1, 48, 48, 1, "f32", 64, false },
        { 5, 16, 64, 1, "f32", 64, true },
        { 130, 48, 208, 1, "f32", 128, true },
        { 67, 176, 96, 2, "f32", 4096, true },
        { 130, 128, 160, 2, "f32", 192, false },
        { 35, 112, 96, 2, "bf16", 128, true },
        { 35, 112, 208, 1, "f16", 4096, false },
        { 35, 112, 96, 2, "q8", 128, true },
        { 35, 48, 208, 1, "q4", 4096, false },
    };

    [Theory]
    [MemberData(nameof(InputShapes))]
    public void InputGradient(int rows, int inputs, int outputs, int parts, string formatName, int outputBlock, bool hasResidual)
    {
        KernelData data = new(rows + inputs);
        WeightFormat format = WeightFormat.Find(formatName)!;
        int outStride = inputs + 16, stride = (parts * outputs) + 32;
        float[] dy = data.Rows(rows, stride, outputs - 8, parts, outputs), residual = data.Rows(rows, outStride, inputs - 8);
        float[] panels = KernelData.Pack(format, inputs, [.. Enumerable.Range(0, parts).Select(_ => data.Matrix(outputs, inputs, outputs - 8, inputs - 8))]);
        float[] matrix = KernelData.Unpack(format, inputs, parts, outputs, panels);
        InputGradientKernel plan = new("InputGradient", format, parts, inputs, outputs, outputBlock, stride, hasResidual ? outStride : 0, outStride, hasResidual);
        EmittedKernel kernel = new(plan);
        float[] dx = new float[rows * outStride];
        float[] result = hasResidual
            ? new KernelStep(rows).RunEverywhere(kernel, dy, residual, dx, panels)[2]
            : new KernelStep(rows).RunEverywhere(kernel, dy, dx, panels)[1];

        double[] expected = new double[rows * outStride];
        for (int row = 0; row < rows; row++)
        {
            for (int input = 0; input < inputs; input++)
            {
                expected[(row * outStride) + input] = hasResidual ? residual[(row * outStride) + input] : 0;
                for (int output = 0; output < parts * outputs; output++)
                {
                    expected[(row * outStride) + input] += (double)dy[(row * stride) + output] * matrix[(output * inputs) + input];
                }
            }
        }

        KernelData.AssertClose(expected, result, "dx");
        Assert.All(result.Where((_, i) => i % outStride >= inputs - 8), value => Assert.Equal(0, value));
        if (hasResidual)
        {
            Conformance.Bits.AssertEqual(result, new KernelStep(rows).RunEverywhere(kernel, dy, residual, residual, panels)[2], "dx over the residual");
        }
    }

    public static TheoryData<int, int, int, string, int, bool, ActivationKind> GatedShapes => new()
    {
        { 1, 48, 48, "f32", 64, false, ActivationKind.Silu },
        { 130, 80, 208, "f32", 256, true, ActivationKind.GeluTanh },
        { 67, 144, 208, "f32", 128, true, ActivationKind.Silu },
        { 35, 64, 96, "f32", 64, false, ActivationKind.GeluErf },
        { 35, 112, 96, "bf16", 128, false, ActivationKind.QuickGelu },
        { 35, 112, 208, "q8", 64, false, ActivationKind.Relu },
        { 35, 48, 208, "q4", 256, true, ActivationKind.Silu },
    };

    /// <summary>dh stays in scratch; its gate's gradients may lie where gate and up do, or where the residual does.</summary>
    [Theory]
    [MemberData(nameof(GatedShapes))]
    public void GatedInputGradient(int rows, int inputs, int outputs, string formatName, int outputBlock, bool hasResidual, ActivationKind activation)
    {
        KernelData data = new(rows + inputs);
        WeightFormat format = WeightFormat.Find(formatName)!;
        int stride = outputs + 32, gateStride = 2 * inputs, used = inputs - 8;
        float[] dy = data.Rows(rows, stride, outputs - 8), residual = data.Rows(rows, gateStride, used);
        float[] gate = data.Rows(rows, gateStride, used, scale: 3), up = data.Rows(rows, gateStride, used);
        float[] panels = KernelData.Pack(format, inputs, data.Matrix(outputs, inputs, outputs - 8, used)), matrix = KernelData.Unpack(format, inputs, 1, outputs, panels);
        float[][] residuals = hasResidual ? [residual] : [];
        EmittedKernel kernel = new(new InputGradientKernel(
            "InputGradient", format, 1, inputs, outputs, outputBlock, stride, hasResidual ? gateStride : 0, gateStride, hasResidual, new(activation, gateStride, gateStride, gateStride)));
        KernelStep step = new(rows);
        float[][] results = step.RunEverywhere(kernel, [dy, .. residuals, gate, up, new float[rows * gateStride], new float[rows * gateStride], panels]);
        float[] dgate = results[^3], dup = results[^2];

        double[] dgates = new double[rows * gateStride], dups = new double[rows * gateStride];
        for (int row = 0; row < rows; row++)
        {
            for (int input = 0; input < inputs; input++)
            {
                int i = (row * gateStride) + input;
                double dh = (hasResidual ? residual[i] : 0) + Enumerable.Range(0, outputs).Sum(output => (double)dy[(row * stride) + output] * matrix[(output * inputs) + input]);
                dgates[i] = dh * up[i] * ActivationFunctions.Slope(activation, gate[i]);
                dups[i] = dh * ActivationFunctions.Value(activation, gate[i]);
            }
        }

        KernelData.AssertClose(dgates, dgate, "dgate");
        KernelData.AssertClose(dups, dup, "dup");
        Assert.All(dgate.Concat(dup).Where((_, i) => i % gateStride >= used), value => Assert.Equal(0, value));

        float[][] inPlace = step.RunEverywhere(kernel, [dy, .. residuals, gate, up, gate, up, panels]);
        Conformance.Bits.AssertEqual(dgate, inPlace[^3], "dgate over gate");
        Conformance.Bits.AssertEqual(dup, inPlace[^2], "dup over up");
        if (hasResidual)
        {
            Conformance.Bits.AssertEqual(dgate, step.RunEverywhere(kernel, dy, residual, gate, up, residual, new float[rows * gateStride], panels)[4], "dgate over the residual");
        }
    }
}
