using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime;

/// <summary>Base of every emitted model class. The emitted part supplies <see cref="Execute"/>; this part is the same for all models.</summary>
public abstract class CompiledModel
{
    /// <summary>Called by the emitted class's Load.</summary>
    protected CompiledModel(ModelDescription description, LoadOptions? options)
    {
        Description = description;
    }

    /// <summary>The numbers of this model.</summary>
    public ModelDescription Description { get; }

    /// <summary>Runs the model over one step with the code of an instruction set. Called by every worker of the step. Emitted.</summary>
    protected abstract void Execute(InstructionSet instructionSet, Worker worker);
}

/// <summary>Options of loading a model.</summary>
public sealed record LoadOptions;
