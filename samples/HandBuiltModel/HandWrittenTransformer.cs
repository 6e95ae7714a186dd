using System.Numerics;
using ModelCompiler.Compiler.Graph;

namespace HandBuiltModel;

/// <summary>
/// A GPT-2 of one layer whose weights are computed by this class. Nothing is learned: the model recalls a corpus, exactly.
/// <para>
/// 1. The residual stream has 128 numbers: five slots of 16 for the codes of tokens, the position as one-hot residues modulo 11 and
///    12 (which tell 132 positions apart), two that mark position 0, and constants. A token's code is a word of the extended Hamming
///    code with eight +1 and eight −1: the product of two codes is 16 for the same token and at most 8 for others.
/// 2. Attention: head h asks for both residues of position p − h. A match scores 2, anything else at most 1, position 0 one half more,
///    so that it is found where there is no p − h. The softmax is so sharp that the head copies that one token's code into slot h.
/// 3. The feed-forward network: for each context of n tokens one hidden unit adds up n products of codes: 16n for its own context,
///    at most 16n − 8 for any other; gelu makes of that 8 and, to single precision, 0. Its output is what its context says about the next
///    token, less what the next shorter context says already: the longest context that is known has the last word.
///    128 more units pass every residual number through gelu's straight part and take it away: nothing but the answer is left.
/// 4. The answer is a sum of rows of a Hadamard matrix, weighted with 24 + ln p. A token has a row or its negative, so the head reads
///    off logits without crosstalk: 24 + ln p for each token that may follow and at most 0 for all others. Where only the
///    empty context is known, a new line follows, and behind it a sentence begins.
/// 5. The norms change nothing: constants keep mean 0 and variance ¼ before attention and 1 after it, and one Hadamard row that no
///    token reads keeps the answer's variance the same. All weights are exact in half precision, save the answers': logits are within 0.02.
/// </para>
/// </summary>
public sealed class HandWrittenTransformer
{
    public const int Dim = 128, Heads = 4, Positions = 128, HeadDim = Dim / Heads;
    private const int CodeLength = 16, FirstModulus = 11, SecondModulus = 12;
    private const int Residues = CodeLength * Recall.LongestContext, IsFirst = Residues + FirstModulus + SecondModulus;
    private const int Constants = IsFirst + 2, LaterConstants = Constants + 13;
    private const int SureLogit = 24, Sharpness = 512, Active = 8, NormRow = 1, FirstTokenRow = 2;

    private readonly int vocab, hidden;
    private readonly int[] tokenCodes;
    private readonly Dictionary<int, (int Row, int Sign)> answerCodes;
    private readonly Recall recall;
    private readonly double answerNorm;

    public HandWrittenTransformer(int vocab, Recall recall)
    {
        this.vocab = vocab;
        this.recall = recall;
        hidden = Dim + recall.Contexts.Count;
        tokenCodes = [.. Enumerable.Range(0, 1 << CodeLength).Where(IsTokenCode).Take(vocab)];
        answerCodes = AssignAnswerCodes(recall);
        // Rounded up to eighths, so that the weights of the last norm are exact.
        answerNorm = Math.Ceiling(8 * recall.Contexts.Max(context => Math.Sqrt(SumOfSquares(context)))) / 8;
        if (tokenCodes.Length < vocab)
        {
            throw new InvalidOperationException($"The corpus needs {vocab} tokens; there are codes for {tokenCodes.Length}.");
        }
    }

    /// <summary>Units of the feed-forward network.</summary>
    public int HiddenDim => hidden;

    /// <summary>All tensors, named and laid out as GPT-2's: matrices of layers are [inputs × outputs].</summary>
    public IReadOnlyList<Tensor> Build() =>
    [
        TokenEmbedding(), PositionEmbedding(),
        Fill("h.0.ln_1.weight", 0.5f), Fill("h.0.ln_1.bias", 0), .. Attention(),
        Fill("h.0.ln_2.weight", 1), Fill("h.0.ln_2.bias", 0), .. FeedForward(),
        Fill("ln_f.weight", (float)(SureLogit * answerNorm / Dim)), Fill("ln_f.bias", 0), Head(),
    ];

    private Tensor TokenEmbedding()
    {
        Tensor table = new("wte.weight", vocab, Dim);
        for (int token = 0; token < vocab; token++)
        {
            for (int i = 0; i < CodeLength; i++)
            {
                table[token, i] = TokenCode(token, i);
            }
        }

        return table;
    }

    private static Tensor PositionEmbedding()
    {
        Tensor table = new("wpe.weight", Positions, Dim);
        for (int position = 0; position < Positions; position++)
        {
            table[position, Residues + (position % FirstModulus)] = 1;
            table[position, Residues + FirstModulus + (position % SecondModulus)] = 1;
            table[position, position == 0 ? IsFirst : IsFirst + 1] = 1;

            // Three of −1 make the sum 0; with five of +1 and five of −1 more the squares add up to 32 = 128 / 4.
            for (int i = Constants; i < LaterConstants; i++)
            {
                table[position, i] = i < Constants + 5 ? 1 : -1;
            }
        }

        return table;
    }

    private static IEnumerable<Tensor> Attention()
    {
        Tensor read = new("h.0.attn.c_attn.weight", Dim, 3 * Dim), readBias = new("h.0.attn.c_attn.bias", 3 * Dim);
        Tensor write = new("h.0.attn.c_proj.weight", Dim, Dim), writeBias = new("h.0.attn.c_proj.bias", Dim);
        const int Queries = 0, Keys = Dim, Values = 2 * Dim, FirstChannel = FirstModulus + SecondModulus;
        for (int head = 0; head < Heads; head++)
        {
            int channel = head * HeadDim, back = head + 1;
            foreach ((int start, int modulus) in new[] { (0, FirstModulus), (FirstModulus, SecondModulus) })
            {
                for (int residue = 0; residue < modulus; residue++)
                {
                    int wanted = (residue + modulus - back) % modulus;
                    read[Residues + start + residue, Queries + channel + start + wanted] = Sharpness;
                    read[Residues + start + residue, Keys + channel + start + residue] = 1;
                }
            }

            readBias[Queries + channel + FirstChannel] = Sharpness / 2;
            read[IsFirst, Keys + channel + FirstChannel] = 1;
            for (int i = 0; i < CodeLength; i++)
            {
                read[i, Values + channel + i] = 1;
                write[channel + i, (CodeLength * back) + i] = 1;
            }
        }

        // The codes raised the sum of squares from 32 to 96; these make it 128.
        for (int i = 0; i < 8; i++)
        {
            writeBias[LaterConstants + i] = i < 4 ? 2 : -2;
        }

        return [read, readBias, write, writeBias];
    }

    private IEnumerable<Tensor> FeedForward()
    {
        Tensor read = new("h.0.mlp.c_fc.weight", Dim, hidden), readBias = new("h.0.mlp.c_fc.bias", hidden);
        Tensor write = new("h.0.mlp.c_proj.weight", hidden, Dim), writeBias = new("h.0.mlp.c_proj.bias", Dim);
        for (int i = 0; i < Dim; i++)
        {
            // x − gelu(x + 8) + 8 = 0: eight is far enough up for gelu to be the identity.
            read[i, i] = 1;
            readBias[i] = Active;
            write[i, i] = -1;
            writeBias[i] = Active;
        }

        int unit = Dim;
        foreach (Context context in recall.Contexts)
        {
            const int Gain = 2; // a context that differs in one token is 8 · 2 below: gelu(8 − 16) = 0
            for (int slot = 0; slot < context.Tokens.Count; slot++)
            {
                for (int i = 0; i < CodeLength; i++)
                {
                    read[(slot * CodeLength) + i, unit] = Gain * TokenCode(context.Tokens[slot], i);
                }
            }

            readBias[unit] = Active - (Gain * CodeLength * context.Tokens.Count);
            double[] answer = Answer(context), known = context.Tokens.Count == 0 ? new double[Dim] : Answer(recall.Inside(context));
            for (int i = 0; i < Dim; i++)
            {
                write[unit, i] = (float)((answer[i] - known[i]) / Active);
            }

            unit++;
        }

        return [read, readBias, write, writeBias];
    }

    private Tensor Head()
    {
        Tensor head = new("lm_head.weight", vocab, Dim);
        foreach ((int token, (int row, int sign)) in answerCodes)
        {
            for (int i = 0; i < Dim; i++)
            {
                head[token, i] = sign * Hadamard(row, i);
            }
        }

        return head;
    }

    /// <summary>What a context says about the next token; its root mean square is the same for all contexts.</summary>
    private double[] Answer(Context context)
    {
        double[] answer = new double[Dim];
        void Add(int row, double amount)
        {
            for (int i = 0; i < Dim; i++)
            {
                answer[i] += amount * Hadamard(row, i);
            }
        }

        Add(NormRow, Math.Sqrt((answerNorm * answerNorm) - SumOfSquares(context)));
        foreach ((int token, double probability) in context.Next)
        {
            Add(answerCodes[token].Row, answerCodes[token].Sign * Amount(probability));
        }

        return answer;
    }

    /// <summary>1 for a token that is sure to come.</summary>
    private static double Amount(double probability) => 1 + (DeterministicMath.Log(probability) / SureLogit);

    private static double SumOfSquares(Context context) => context.Next.Values.Sum(probability => Amount(probability) * Amount(probability));

    /// <summary>Each token that follows another gets a row or its negative; tokens that may follow the same context never get both of one row.</summary>
    private static Dictionary<int, (int Row, int Sign)> AssignAnswerCodes(Recall recall)
    {
        Dictionary<(int Row, int Sign), int> owners = [];
        var rows = Enumerable.Range(FirstTokenRow, Dim - FirstTokenRow);
        (int Row, int Sign)[] codes = [.. rows.Select(row => (row, 1)), .. rows.Select(row => (row, -1))];
        foreach (int token in recall.Contexts.SelectMany(context => context.Next.Keys).Distinct())
        {
            bool IsFree((int Row, int Sign) code) => !owners.ContainsKey(code)
                && !(owners.TryGetValue((code.Row, -code.Sign), out int opposite)
                    && recall.Contexts.Any(context => context.Next.ContainsKey(token) && context.Next.ContainsKey(opposite)));
            if (!codes.Any(IsFree))
            {
                throw new InvalidOperationException($"More different tokens follow others in the corpus than there are codes: {codes.Length}.");
            }

            owners.Add(codes.First(IsFree), token);
        }

        return owners.ToDictionary(owner => owner.Value, owner => owner.Key);
    }

    /// <summary>The rows of Sylvester's matrix of order 128 are orthogonal; all but row 0 have as many +1 as −1.</summary>
    private static int Hadamard(int row, int column) => BitOperations.PopCount((uint)(row & column)) % 2 == 0 ? 1 : -1;

    private int TokenCode(int token, int bit) => (tokenCodes[token] >> bit) % 2 == 0 ? -1 : 1;

    /// <summary>Words of the extended Hamming code with eight ones; any two differ in at least four places (R. W. Hamming 1950).</summary>
    private static bool IsTokenCode(int word) => BitOperations.PopCount((uint)word) == CodeLength / 2
        && Enumerable.Range(0, CodeLength).Where(bit => (word >> bit) % 2 != 0).Aggregate(0, (sum, bit) => sum ^ bit) == 0;

    private static Tensor Fill(string name, float value)
    {
        Tensor vector = new(name, Dim);
        Array.Fill(vector.Values, value);
        return vector;
    }
}
