using ModelCompiler.Onnx;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Runtime.Sampling;

namespace ModelCompiler.Tool.Verifying;

/// <summary>What both engines write behind the same prompt at temperature 0.</summary>
/// <param name="Emitted">Tokens of the emitted code.</param>
/// <param name="Onnx">Tokens of ONNX Runtime.</param>
/// <param name="FirstDifference">Where they part, or −1.</param>
/// <param name="Margin">There, how far ONNX Runtime's logits of the two tokens are apart: next to nothing where rounding decides.</param>
internal sealed record GreedyTexts(IReadOnlyList<int> Emitted, IReadOnlyList<int> Onnx, int FirstDifference, double Margin)
{
    /// <summary>Null where the logits of the emitted code are no numbers: it can write nothing then.</summary>
    public static GreedyTexts? Write(CompiledModel model, OnnxModel witness, int[] prompt, int count, CancellationToken cancellation)
    {
        count = Math.Min(count, model.Description.ContextLength - prompt.Length);
        int[] emitted;
        try
        {
            emitted = [.. model.GenerateTokens(prompt, new GenerationOptions { Temperature = 0, MaxTokens = count, IgnoreEndTokens = true }, cancellation)];
        }
        catch (NotFiniteLogitsException)
        {
            return null;
        }

        List<int> tokens = [.. prompt];
        int first = -1;
        double margin = 0;
        using IOffloadedSequence sequence = witness.Begin();
        float[] logits = new float[model.Description.Vocab];
        for (int i = 0; i < count; i++)
        {
            sequence.Read(tokens.ToArray(), logits, logits.Length, cancellation);
            int token = LogitsComparison.IndexOfLargest(logits);
            if (first < 0 && token != emitted[i])
            {
                first = i;
                margin = (double)logits[token] - logits[emitted[i]];
            }

            tokens.Add(token);
        }

        return new(emitted, tokens[prompt.Length..], first, margin);
    }
}
