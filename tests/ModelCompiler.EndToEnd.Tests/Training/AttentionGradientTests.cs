using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Attention within sequences, and its gradients, against plain loops in double precision.</summary>
public class AttentionGradientTests
{
    /// <summary>heads, key/value heads, head dimension, window (0: none), soft cap (0: none).</summary>
    public static TheoryData<int, int, int, int, double> Shapes => new()
    {
        { 2, 2, 16, 0, 0 },
        { 4, 2, 8, 0, 0 },
        { 3, 1, 64, 0, 0 },
        { 2, 1, 48, 70, 0 },
        { 2, 2, 24, 5, 3 },
        { 2, 1, 128, 0, 2 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Attention(int heads, int kvHeads, int headDim, int window, double softCap)
    {
        KernelStep step = new(1, 130, 5, 64);
        KernelData data = new(headDim);
        double scale = 1.5 / Math.Sqrt(headDim);
        int head = (headDim + 15) / 16 * 16, rows = step.Rows;
        int queryStride = (heads * head) + 16, keyStride = (kvHeads * head) + 32, valueStride = (kvHeads * head) + 48, outStride = heads * head, stride = (heads + (2 * kvHeads)) * head;
        float[] q = data.Rows(rows, queryStride, headDim, heads, head), k = data.Rows(rows, keyStride, headDim, kvHeads, head), v = data.Rows(rows, valueStride, headDim, kvHeads, head);
        float[] dy = data.Rows(rows, outStride, headDim, heads, head);
        int? visible = window == 0 ? null : window;
        double? cap = softCap == 0 ? null : softCap;
        TrainingAttentionKernel forward = new("Attention", heads, kvHeads, headDim, head, queryStride, keyStride, valueStride, outStride, scale, visible, cap);
        float[] y = step.RunEverywhere(new(forward), q, k, v, new float[rows * outStride])[3];
        AttentionGradientKernel backward = new("AttentionGradient", heads, kvHeads, headDim, head, queryStride, keyStride, valueStride, outStride, stride, keyStride, stride, scale, visible, cap);
        float[][] results = step.RunEverywhere(new(backward), q, k, v, dy, new float[rows * stride], new float[rows * keyStride], new float[rows * stride]);

        double[] expectedY = new double[rows * outStride], dq = new double[rows * stride], dk = new double[rows * keyStride], dv = new double[rows * stride];
        int first = 0;
        foreach (int length in step.Lengths)
        {
            for (int item = 0; item < length * heads; item++)
            {
                (int row, int h) = (first + (item / heads), item % heads);
                int kv = h / (heads / kvHeads), begin = Math.Max(first, row - (visible ?? int.MaxValue / 2) + 1);
                double[] bent = [.. Positions().Select(p => scale * Dot(q, (row * queryStride) + (h * head), k, (p * keyStride) + (kv * head)))];
                double[] scores = cap is null ? bent : [.. bent.Select(s => softCap * Math.Tanh(s / softCap))];
                double[] weights = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
                weights = [.. weights.Select(weight => weight / weights.Sum())];
                double[] dp = [.. Positions().Select(p => Dot(dy, (row * outStride) + (h * head), v, (p * valueStride) + (kv * head)))];
                double mean = weights.Zip(dp, (a, b) => a * b).Sum();
                foreach (int p in Positions())
                {
                    double weight = weights[p - begin], ds = weight * (dp[p - begin] - mean) * scale * (cap is null ? 1 : 1 - Math.Pow(scores[p - begin] / softCap, 2));
                    for (int i = 0; i < headDim; i++)
                    {
                        expectedY[(row * outStride) + (h * head) + i] += weight * v[(p * valueStride) + (kv * head) + i];
                        dv[(p * stride) + (kv * head) + i] += weight * dy[(row * outStride) + (h * head) + i];
                        dq[(row * stride) + (h * head) + i] += ds * k[(p * keyStride) + (kv * head) + i];
                        dk[(p * keyStride) + (kv * head) + i] += ds * q[(row * queryStride) + (h * head) + i];
                    }
                }

                IEnumerable<int> Positions() => Enumerable.Range(begin, row - begin + 1);
            }

            first += length;
        }

        KernelData.AssertClose(expectedY, y, "y");
        KernelData.AssertClose(dq, results[4], "dq");
        KernelData.AssertClose(dk, results[5], "dk");
        KernelData.AssertClose(dv, results[6], "dv");

        double Dot(float[] a, int from, float[] b, int to) => Enumerable.Range(0, headDim).Sum(i => (double)a[from + i] * b[to + i]);
    }
}
