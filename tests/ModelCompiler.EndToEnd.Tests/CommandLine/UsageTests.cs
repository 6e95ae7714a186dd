namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>Command lines that cannot be understood: exit code 2, and a sentence that names what was found and what was expected.</summary>
public sealed class UsageTests
{
    [Theory]
    [InlineData("nonsense")]
    [InlineData("run")]
    [InlineData("inspect", "DIR", "--weights", "q9_9")]
    [InlineData("run", "DIR", "--temperature", "-1")]
    [InlineData("run", "DIR", "--top-p", "1.5")]
    [InlineData("run", "DIR", "--threads", "0")]
    [InlineData("run", "DIR", "--isa", "mmx")]
    [InlineData("logits", "DIR", "--tokens", "1,x", "-o", "FILE")]
    [InlineData("compile", "DIR", "-o", "OUT", "--class", "1st")]
    [InlineData("synth", "DIR")]
    public void WhatCannotBeUnderstoodIsUsage(params string[] arguments)
    {
        Finished refused = ChildProcess.Modelc(arguments).Expect(2);
        Assert.Contains("modelc: error MC320: ", refused.Error);
        Assert.Empty(refused.Output);
    }

    [Theory]
    [InlineData("--temperature", "abc", "a number, at least 0")]
    [InlineData("--temperature", "inf", "a number, at least 0")]
    [InlineData("--top-p", "NaN", "a number above 0, at most 1")]
    [InlineData("--top-p", "2", "a number above 0, at most 1")]
    [InlineData("--top-k", "1.5", "a whole number, at least 0")]
    [InlineData("--min-p", "abc", "a number from 0 to 1")]
    [InlineData("--max-tokens", "99999999999", "a whole number, at least 1")]
    [InlineData("--threads", "1000", "a whole number from 1 to 64")]
    [InlineData("--seed", "-1", "a whole number from 0 to 18446744073709551615")]
    [InlineData("--weights", "q3", "one of f32, f16, bf16, q8, q4")]
    [InlineData("--weights", "q4, lm_head.*=q3", "one of f32, f16, bf16, q8, q4")]
    [InlineData("--cache", "q4", "one of f32, bf16, q8")]
    public void AnOptionSaysWhatItExpects(string option, string found, string expected)
    {
        Finished refused = ChildProcess.Modelc("run", "DIR", option, found).Expect(2);
        Assert.StartsWith($"modelc: error MC320: {option}: found '{found.Split('=')[^1]}', expected {expected}.", refused.Error);
    }

    /// <summary>The parser would take them for a folder, a file or a text.</summary>
    [Theory]
    [InlineData("--stpes", "perhaps --steps", "train", "--config", "FILE", "--text", "FILE", "--stpes", "4", "--steps", "3", "-o", "OUT")]
    [InlineData("--lrr", "perhaps --lr", "train", "--config", "FILE", "--text", "FILE", "--steps", "3", "-o", "OUT", "--lrr=0.1")]
    [InlineData("--wieghts", "perhaps --weights", "run", "--wieghts", "q8")]
    [InlineData("--quick", "one of those that --help lists", "run", "DIR", "--quick")]
    [InlineData("--projects", "one of those that --help lists", "pack", "DIR", "-o", "OUT", "--projects", "FILE")] // --project is the build's
    public void AnOptionThatIsNoneIsNamed(string found, string expected, params string[] arguments)
        => RefusedOnce($"found '{found}', which is no option of '{arguments[0]}', expected {expected}.", arguments);

    [Theory]
    [InlineData("found 'Once upon', which belongs to no option of 'run', expected perhaps --prompt \"Once upon\".", "run", "DIR", "Once", "upon")]
    [InlineData("found 'upon a time', which belongs to no option of 'run', expected perhaps --prompt \"Once upon a time\".", "run", "DIR", "--prompt", "Once", "upon", "a", "time")]
    [InlineData("found 'a time', which belongs to no option of 'run', expected perhaps -p \"Once a time\".", "run", "DIR", "-p=Once", "a", "time", "-n", "2")]
    [InlineData("found 'more', which belongs to no option of 'run', expected nothing.", "run", "--prompt", "Once", "DIR", "more")]
    [InlineData("found 'm.onnx', which belongs to no option of 'export', expected perhaps --output \"m.onnx\".", "export", "DIR", "m.onnx")]
    [InlineData("found '-x', which belongs to no option of 'inspect', expected nothing.", "inspect", "DIR", "--", "-x")]
    [InlineData("found 'rum', which is no command of 'modelc', expected perhaps run.", "rum", "DIR", "--prompt", "Hi")]
    [InlineData("found 'inspekt', which is no command of 'modelc', expected perhaps inspect.", "inspekt", "DIR")]
    [InlineData("found no command, expected one of ")]
    public void WhatNobodyTakesIsNamed(string said, params string[] arguments)
        => RefusedOnce(said, arguments);

    /// <summary>Nothing behind an option, or the next option; an option twice; what must be given; and a value that is none beside one that it would be compared with.</summary>
    [Theory]
    [InlineData("--temperature: found nothing behind it, expected a value (T).", "run", "DIR", "--temperature")]
    [InlineData("--adapter: found the option '--merge' behind it, expected a value (DIR).", "run", "DIR", "--adapter", "--merge")]
    [InlineData("--tokens: found the option '-o' behind it, expected a value (1,2,3).", "logits", "DIR", "--tokens", "-o", "FILE")]
    [InlineData("--seed: found 2 values ('1', '2'), expected one.", "run", "DIR", "--seed", "1", "--seed", "2")]
    [InlineData("--provider-option: found 'arena', expected NAME=VALUE.", "run", "DIR", "--provider", "cuda", "--provider-option", "arena")]
    [InlineData("--provider-option: found 'a' twice, expected it once.", "verify", "DIR", "--provider-option", "a=1", "--provider-option", "a=2")]
    [InlineData("--provider-option: found device_id, expected --device N.", "bench", "DIR", "--provider-option", "device_id=1")]
    [InlineData("found no DIR, expected one. ", "run")]
    [InlineData("found no --output, expected one (PATH). ", "export", "DIR")]
    [InlineData("--like: found nothing behind it, expected a value (NAME).", "synth", "OUT", "--like")]
    [InlineData("found neither --like NAME nor --config FILE, expected one of them.", "synth", "OUT")]
    [InlineData("--steps: found 'x', expected a whole number, at least 1.", "train", "--config", "FILE", "--text", "FILE", "--steps", "x", "--warmup", "9", "-o", "OUT")]
    public void WhatIsMissingOrTooMuchIsNamed(string said, params string[] arguments)
        => RefusedOnce(said, arguments);

    [Theory]
    [InlineData("--stop: found an empty text, expected a value (TEXT).", "run", "DIR", "--stop", "a", "--stop", "")]
    [InlineData("--output: found an empty text, expected a value (PATH).", "logits", "DIR", "--tokens", "1", "-o", "")]
    [InlineData("--library: found an empty text, expected a value (FILE).", "verify", "DIR", "--library", "")]
    [InlineData("DIR: found an empty text, expected a value. ", "inspect", "")]
    public void AnEmptyTextIsRefused(string said, params string[] arguments) => RefusedOnce(said, arguments);

    /// <summary>A text may begin with a dash, and after -- so may anything: what is missing is the folder.</summary>
    [Theory]
    [InlineData("run", "absent", "--prompt", "--quick")]
    [InlineData("inspect", "--", "--quick")]
    public void WhatMayBeginWithADashIsNoOption(params string[] arguments)
        => Assert.Contains("error MC021: ", ChildProcess.Modelc(arguments).Expect(1).Error);

    [Fact]
    public void PromptAndTokensTogetherAreRefused()
        => Assert.Contains("MC320: --prompt and --tokens: ", ChildProcess.Modelc("run", "DIR", "--prompt", "a", "--tokens", "1").Expect(2).Error);

    /// <summary>That mistake, and none that only follows from it.</summary>
    private static void RefusedOnce(string said, string[] arguments)
    {
        Finished refused = ChildProcess.Modelc(arguments).Expect(2);
        Assert.StartsWith($"modelc: error MC320: {said}", refused.Error);
        Assert.Single(refused.Error.Split("MC320"), part => part.StartsWith(": ", StringComparison.Ordinal));
    }
}
