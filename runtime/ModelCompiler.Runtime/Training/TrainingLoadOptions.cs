using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Training;

/// <summary>Options of getting a model ready for training. None of them changes a bit of any result.</summary>
public sealed record TrainingLoadOptions
{
    /// <summary>The instruction set to run with. Null: <c>MODELCOMPILER_ISA</c> in the environment, or the best one here.</summary>
    public InstructionSet? InstructionSet { get; init; }

    /// <summary>Threads of a step, 1 … 64, the calling one included. Null: one for each processor core.</summary>
    public int? Threads { get; init; }

    /// <summary>The packed weights that training begins with. Null: the embedded resource, or the file beside the program.</summary>
    public string? WeightsPath { get; init; }

    internal int ChooseThreads() => new LoadOptions { Threads = Threads }.ChooseThreads();
}
