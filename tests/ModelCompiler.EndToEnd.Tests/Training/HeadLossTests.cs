using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.EndToEnd.Tests.Conformance;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Head, loss and their gradients against plain loops in double precision.</summary>
public class HeadLossTests
{
    [Theory]
    [InlineData(70, 64, 48, 1, "f32", true, true)]
    [InlineData(5, 203, 96, 2, "f32", true, true)]
    [InlineData(130, 130, 48, 1, "f32", false, true)]
    [InlineData(33, 203, 96, 1, "bf16", true, false)]
    public void LossesAndGradients(int rows, int vocab, int inputs, int inputBlocks, string formatName, bool hasInputGradient, bool trained)
    {
        const float LossScale = 0.25f;
        KernelData data = new(vocab);
        WeightFormat format = WeightFormat.Find(formatName)!;
        int padded = (vocab + 15) / 16 * 16, inStride = inputs + 16;
        int[] targets = data.Integers(rows, vocab);
        targets[rows / 2] = -1;
        KernelStep step = new(rows) { Targets = targets, LossScale = LossScale, LogitFloats = 32 * padded };
        float[] x = data.Rows(rows, inStride, inputs, scale: 3), dx = new float[rows * inputs], before = data.Matrix(padded, inputs, vocab, inputs);
        float[] panels = KernelData.Pack(format, inputs, before), matrix = KernelData.Unpack(format, inputs, 1, padded, panels);
        HeadLossKernel plan = new("HeadLoss", format, inputs, vocab, padded, 32, inputBlocks, 128, inStride, inputs, hasInputGradient, trained);
        EmittedKernel kernel = new(plan);
        float[][] buffers = [x, .. hasInputGradient ? [dx] : Array.Empty<float[]>(), panels, .. trained ? [KernelData.Pack(F32Format.Instance, inputs, before)] : Array.Empty<float[]>()];
        float[][] results = step.RunEverywhere(kernel, buffers);
        float[] losses = step.Losses;

        double[] expected = new double[rows], dxs = new double[rows * inputs], sums = [.. before.Select(value => (double)value)];
        for (int row = 0; row < rows; row++)
        {
            if (targets[row] < 0)
            {
                continue;
            }

            double[] logits = [.. Enumerable.Range(0, vocab).Select(token => Enumerable.Range(0, inputs).Sum(k => (double)x[(row * inStride) + k] * matrix[(token * inputs) + k]))];
            double all = Math.Log(logits.Sum(Math.Exp));
            expected[row] = all - logits[targets[row]];
            for (int token = 0; token < vocab; token++)
            {
                double slope = (Math.Exp(logits[token] - all) - (token == targets[row] ? 1 : 0)) * LossScale;
                for (int k = 0; k < inputs; k++)
                {
                    dxs[(row * inputs) + k] += slope * matrix[(token * inputs) + k];
                    sums[(token * inputs) + k] += slope * x[(row * inStride) + k];
                }
            }
        }

        KernelData.AssertClose(expected, losses, "losses");
        Assert.Equal(0, losses[rows / 2]);
        if (hasInputGradient)
        {
            KernelData.AssertClose(dxs, results[1], "dx");
        }

        if (trained)
        {
            KernelData.AssertClose(sums, KernelData.Unpack(F32Format.Instance, inputs, 1, padded, results[^1]), "dW");
        }

        KernelStep lossOnly = new(rows) { Targets = targets, LossScale = LossScale, LogitFloats = 32 * padded, LossOnly = true };
        float[][] untouched = lossOnly.RunEverywhere(kernel, buffers);
        Bits.AssertEqual(losses, lossOnly.Losses, "losses alone");
        Bits.AssertEqual(buffers[^1], untouched[^1], "gradients");
    }
}
