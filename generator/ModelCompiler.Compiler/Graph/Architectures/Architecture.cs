using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>
/// Maps the config and the tensor names of one family to a graph. One file for each family; register it in
/// <see cref="ArchitectureRegistry"/>. The checklist is docs/adding-an-architecture.md.
/// </summary>
public abstract class Architecture
{
    /// <summary>config.json's <c>model_type</c>.</summary>
    public abstract string Family { get; }

    /// <summary>
    /// Reads the settings, and, unless <see cref="ConfigReader.Failed"/>, writes the operations. Null when something was
    /// reported; never throws for a mistake in a model.
    /// </summary>
    public abstract ModelGraph? Build(ConfigReader config, GraphBuilder graph);

    /// <summary>The module of the transformers library that holds a tensor, by which adapters are published: the tensor's name without <c>.weight</c>.</summary>
    public virtual string ModuleOf(string tensor)
        => tensor.EndsWith(".weight", StringComparison.Ordinal) ? tensor[..^".weight".Length] : tensor;
}
