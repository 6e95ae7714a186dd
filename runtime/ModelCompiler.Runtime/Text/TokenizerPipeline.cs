using System.Runtime.InteropServices;

namespace ModelCompiler.Runtime.Text;

/// <summary>The steps of a tokenizer as objects: a handful, whatever the vocabulary.</summary>
internal sealed class TokenizerPipeline
{
    private const int MostSteps = 256;

    /// <summary>Reads the steps of a packed tokenizer and refuses those that it does not know.</summary>
    public TokenizerPipeline(PackedTokenizer tokens)
    {
        ReadOnlySpan<StepRecord> normalizers = Steps(tokens, PackedSection.NormalizerSteps);
        Normalizers = new Normalizer[normalizers.Length];
        for (int i = 0; i < normalizers.Length; i++)
        {
            Normalizers[i] = ReadNormalizer(tokens, normalizers[i]);
        }

        ReadOnlySpan<StepRecord> steps = Steps(tokens, PackedSection.PreTokenizerSteps);
        PreTokenizer? next = null;
        for (int i = steps.Length - 1; i >= 0; i--)
        {
            next = ReadPreTokenizer(tokens, steps[i], next);
        }

        PreTokenizer = next ?? new WholeText();
        Decoder = new DecoderPlan(tokens, Steps(tokens, PackedSection.DecoderSteps));
        HasNormalizedAddedTokens = !tokens.Section<AddedTokenRecord>(PackedSection.NormalizedAddedTokens).IsEmpty;
    }

    public Normalizer[] Normalizers { get; }

    public PreTokenizer PreTokenizer { get; }

    public DecoderPlan Decoder { get; }

    public bool HasNormalizedAddedTokens { get; }

    private static ReadOnlySpan<StepRecord> Steps(PackedTokenizer tokens, PackedSection section)
    {
        ReadOnlySpan<StepRecord> steps = tokens.Section<StepRecord>(section);
        return steps.Length <= MostSteps
            ? steps
            : throw new TokenizerFormatException($"Section {section} of the packed tokenizer has {steps.Length} steps, expected at most {MostSteps}.");
    }

    private static Normalizer ReadNormalizer(PackedTokenizer tokens, StepRecord step)
    {
        if (step.Code == (int)NormalizerCode.UnicodeForm)
        {
            return new UnicodeForm(tokens.String(step.FirstOffset, step.FirstLength));
        }

        byte[] first = tokens.Utf8String(step.FirstOffset, step.FirstLength);
        byte[] second = tokens.Utf8String(step.SecondOffset, step.SecondLength);
        return (NormalizerCode)step.Code switch
        {
            NormalizerCode.Prepend => new Prepend(first),
            NormalizerCode.Replace => new Replace(first, second),
            NormalizerCode.ReplaceRun => new ReplaceRun(first, step.Argument, second),
            NormalizerCode.Lowercase => new Lowercase(),
            NormalizerCode.Strip => new StripSpaces((step.Argument & 1) != 0, (step.Argument & 2) != 0),
            NormalizerCode.StripAccents => new StripAccents(),
            _ => throw new TokenizerFormatException($"The packed tokenizer has a normalizer of code {step.Code}; this runtime does not know it."),
        };
    }

    private static PreTokenizer ReadPreTokenizer(PackedTokenizer tokens, StepRecord step, PreTokenizer? next) => (PreTokenizerCode)step.Code switch
    {
        PreTokenizerCode.PrefixSpace => new PrefixSpace(next),
        PreTokenizerCode.Split => new Split(
            ReadMatcher(tokens, step), (SplitBehaviour)((step.Argument >> 8) & 0xFF), (step.Argument & 0x10000) != 0, next),
        PreTokenizerCode.Metaspace when step.FirstLength > 0 => new Metaspace(
            tokens.Utf8String(step.FirstOffset, step.FirstLength), (PrependScheme)(step.Argument & 0xFF), (step.Argument & 0x100) != 0, next),
        _ => throw new TokenizerFormatException($"The packed tokenizer has a pre-tokenizer of code {step.Code}; this runtime does not know it."),
    };

    private static Matcher ReadMatcher(PackedTokenizer tokens, StepRecord step) => (SplitPattern)(step.Argument & 0xFF) switch
    {
        SplitPattern.Literal => new LiteralMatcher(tokens.Utf8String(step.FirstOffset, step.FirstLength)),
        SplitPattern.Gpt2 => new Gpt2Scanner(),
        SplitPattern.Llama3 => new Llama3Scanner(digits: 3),
        SplitPattern.Qwen2 => new Llama3Scanner(digits: 1),
        SplitPattern.Number => new CharacterMatcher(Characters.IsNumber),
        SplitPattern.Punctuation => new CharacterMatcher(Characters.IsPunctuation),
        SplitPattern.WhiteSpace => new CharacterMatcher(Characters.IsSpace),
        SplitPattern.WordOrSymbols => new WordMatcher(),
        SplitPattern.Program => new PatternMatcher(MemoryMarshal.Cast<byte, int>(tokens.String(step.FirstOffset, step.FirstLength)).ToArray()),
        _ => throw new TokenizerFormatException($"The packed tokenizer splits by pattern {step.Argument & 0xFF}; this runtime does not know it."),
    };
}
