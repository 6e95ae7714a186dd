using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Runtime;

/// <summary>Options of loading a model. None of them but <see cref="Offload"/> changes a bit of any result.</summary>
public sealed record LoadOptions
{
    /// <summary>The packed weights file. Null: the embedded resource, or <see cref="ModelDescription.WeightsFile"/> beside the program.</summary>
    public string? WeightsPath { get; init; }

    /// <summary>Reads all weights once and compares their SHA-256. Otherwise only the header is checked, whatever the model's size.</summary>
    public bool VerifyHash { get; init; }

    /// <summary>The instruction set to run with. Null: <c>MODELCOMPILER_ISA</c> in the environment, or the best one here.</summary>
    public InstructionSet? InstructionSet { get; init; }

    /// <summary>Most threads of a step, 1 … 64, the calling one included. Null: one for each processor core.</summary>
    public int? Threads { get; init; }

    /// <summary>Uses all threads even for steps that are too small to pay for them.</summary>
    public bool AlwaysUseAllThreads { get; init; }

    /// <summary>Most tokens of a prompt in one step, 1 … <see cref="ModelDescription.MaxRows"/>. Null: that. Cancellation is looked at between steps.</summary>
    public int? PromptChunk { get; init; }

    /// <summary>Another processor to run on, such as <c>new OnnxOffload("story.onnx") { Provider = "cuda" }</c>. Null: the emitted code runs, on the CPU.</summary>
    public IOffload? Offload { get; init; }

    /// <summary>
    /// Folder of a low-rank adapter as the PEFT library publishes it, for a class that was compiled with adapters of its rank, alpha and targets. It is computed
    /// beside the packed weights, which stay as they are. Null: the model without one. It changes the results, of course.
    /// </summary>
    public string? Adapter { get; init; }

    /// <summary>A packed weights file that lies in memory and may change between steps: the parameters of a model that is being trained.</summary>
    internal UnmanagedMemoryStream? WeightsMemory { get; init; }

    internal int ChooseThreads()
    {
        if (Threads is not { } threads)
        {
            return ProcessorCores.Count;
        }

        return threads is >= 1 and <= WorkerPool.MaxThreads
            ? threads
            : throw new ArgumentOutOfRangeException(nameof(Threads), threads, $"Found {threads} threads, expected 1 … {WorkerPool.MaxThreads}.");
    }

    internal int ChoosePromptChunk(int maxRows)
    {
        int chunk = PromptChunk ?? maxRows;
        return chunk >= 1 && chunk <= maxRows
            ? chunk
            : throw new ArgumentOutOfRangeException(nameof(PromptChunk), chunk, $"Found a prompt chunk of {chunk} tokens, expected 1 … {maxRows}.");
    }
}
