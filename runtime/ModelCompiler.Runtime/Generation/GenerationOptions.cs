namespace ModelCompiler.Runtime.Generation;

/// <summary>
/// How tokens are chosen, and when to stop. From a row of logits to a token, in this order: penalties, bias, temperature, top-k,
/// top-p, min-p, draw. Each cut works on what the cut before left, as in Hugging Face's generation. Same model, tokens, options and
/// seed give the same text on any machine.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>Most tokens to generate, at least 1. Null: as many as the context holds.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Logits are divided by it. 0: always the most likely token, the lowest id among equals.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Draws from the k most likely tokens, the lowest ids among equals. 0: from all.</summary>
    public int TopK { get; init; }

    /// <summary>Draws from the fewest tokens, most likely first, that together have this probability; above 0. 1: from all. arXiv 1904.09751.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Draws from tokens at least this many times as likely as the most likely one, 0 … 1. 0: from all. arXiv 2407.01082.</summary>
    public double MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens in the window; above 0, 1 changes nothing. arXiv 1909.05858.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted from the logit of a token that is in the window.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Subtracted from the logit of a token for each time that it is in the window.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>The last tokens, of prompt and text together, that penalties look at. Null: all.</summary>
    public int? PenaltyWindow { get; init; }

    /// <summary>Added to the logits of tokens, by id; negative infinity forbids one.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Where the drawing begins. Null: somewhere else every time; <see cref="GenerationResult.Seed"/> tells.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Texts that end the generation as soon as one is complete. Nothing of it, nor what follows, comes out.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <summary>Tokens that end the generation, besides the model's end tokens: a chat's end of turn. They do not come out.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    /// <summary>Goes on behind the model's end tokens, and gives them out. <see cref="StopTokens"/> end it all the same.</summary>
    public bool IgnoreEndTokens { get; init; }

    /// <summary>Null: none. n: each token's log-probability, and those of the n most likely tokens, as the model gave them: before penalties, bias and temperature.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>True when a penalty or a bias may change a logit.</summary>
    internal bool ChangesLogits => HasPenalties || LogitBias is { Count: > 0 };

    /// <summary>True when the window matters.</summary>
    internal bool HasPenalties => RepetitionPenalty != 1 || PresencePenalty != 0 || FrequencyPenalty != 0;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Tells the first that is out of its range: found and expected.</exception>
    internal void Validate(int vocab)
    {
        Require(MaxTokens is null or >= 1, nameof(MaxTokens), MaxTokens, "1 or more");
        Require(double.IsFinite(Temperature) && Temperature >= 0, nameof(Temperature), Temperature, "0 or more");
        Require(TopK >= 0, nameof(TopK), TopK, "0 or more");
        Require(TopP is > 0 and <= 1, nameof(TopP), TopP, "above 0, at most 1");
        Require(MinP is >= 0 and <= 1, nameof(MinP), MinP, "0 … 1");
        Require(double.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, nameof(RepetitionPenalty), RepetitionPenalty, "above 0");
        Require(double.IsFinite(PresencePenalty), nameof(PresencePenalty), PresencePenalty, "a finite number");
        Require(double.IsFinite(FrequencyPenalty), nameof(FrequencyPenalty), FrequencyPenalty, "a finite number");
        Require(PenaltyWindow is null or >= 0, nameof(PenaltyWindow), PenaltyWindow, "0 or more");
        Require(LogProbabilities is null or >= 0, nameof(LogProbabilities), LogProbabilities, "0 or more");
        foreach (string text in StopTexts)
        {
            Require(!string.IsNullOrEmpty(text), nameof(StopTexts), text, "texts with at least one character");
        }

        foreach (int token in StopTokens)
        {
            Require((uint)token < (uint)vocab, nameof(StopTokens), token, $"token ids 0 … {vocab - 1}");
        }

        foreach ((int token, float bias) in LogitBias ?? new Dictionary<int, float>())
        {
            Require((uint)token < (uint)vocab, nameof(LogitBias), token, $"token ids 0 … {vocab - 1}");
            Require(float.IsFinite(bias) || float.IsNegativeInfinity(bias), nameof(LogitBias), bias, "a finite number or negative infinity");
        }
    }

    private static void Require(bool condition, string name, object? found, string expected)
    {
        if (!condition)
        {
            string text = Convert.ToString(found, System.Globalization.CultureInfo.InvariantCulture) ?? "";
            throw new ArgumentOutOfRangeException(name, found, $"{nameof(GenerationOptions)}.{name}: found '{text}', expected {expected}.");
        }
    }
}
