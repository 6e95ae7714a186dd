using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>Says by which option a training that is to be gone on with differs from the one that wrote the checkpoint.</summary>
internal static class ResumedOptions
{
    /// <summary>Names of settings in a checkpoint, and the options that say them.</summary>
    private static readonly Dictionary<string, string> Numbers = new()
    {
        ["steps"] = "--steps", ["batch"] = "--batch", ["context"] = "--context", ["accumulate"] = "--accumulate", ["seed"] = "--seed", ["learningRate"] = "--lr", ["warmUp"] = "--warmup",
        ["weightDecay"] = "--weight-decay", ["clipNorm"] = "--clip",
    };

    /// <summary>Settings that a checkpoint knows by a checksum only, and what decides them.</summary>
    private static readonly Dictionary<string, string> Sums = new()
    {
        ["text"] = "--text, --validation, --hold-out, --split, --json-field, --tokenizer or --vocab", ["model"] = "the model's config", ["layout"] = "the model's config, --lora-rank or --lora-targets, or --text, --tokenizer or --vocab, where the vocabulary is made of the text",
        ["adapter"] = "--lora-rank, --lora-alpha or --lora-targets", ["frozen weights"] = "DIR, or --weights",
    };

    /// <summary>The same fault in the words of the command line; where no option is to blame, as it is.</summary>
    /// <param name="fault">What the checkpoint and the training that goes on from it differ in.</param>
    /// <param name="folder">The output folder.</param>
    /// <param name="kept">The config that the training was begun with.</param>
    /// <param name="config">The one that it is to go on with.</param>
    public static Exception Explain(TrainingCheckpointException fault, string folder, KeptConfig kept, string config)
    {
        string anew = $"or name another folder by -o to begin anew. The checkpoint is {fault.Checkpoint}.";
        if (Numbers.TryGetValue(fault.What, out string? option))
        {
            string further = fault.What == "steps" ? $" To train a finished model further: modelc train '{folder}' … -o OTHER." : "";
            return new ResumeException($"{option}: found {fault.Expected}, expected {fault.Found}, with which the training in '{folder}' was begun: --resume goes on to the same bits. Give {option} {fault.Found}, {anew}{further}");
        }

        if (fault.What is "model" or "layout" && kept.Differences(config) is { Count: > 0 } settings)
        {
            string others = fault.What == "layout" ? " (--lora-rank and --lora-targets decide the layout, too)" : "";
            return new ResumeException($"{string.Join("; ", settings)}, as in the config with which the training in '{folder}' was begun, {kept.Path}: --resume goes on to the same bits. Give these settings{others}, {anew}");
        }

        return Sums.TryGetValue(fault.What, out string? options)
            ? new ResumeException($"{fault.What}: found another than the training in '{folder}' was begun with (checksum {fault.Expected}, expected {fault.Found}); {options} decides it. Give what was given then, {anew}")
            : fault;
    }
}
