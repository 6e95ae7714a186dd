namespace ModelCompiler.Compiler.Passes.Training;

/// <summary>Which low-rank adapters a model gets: LoRA, arXiv 2106.09685, with the names of the PEFT library's <c>adapter_config.json</c>.</summary>
/// <param name="Rank">r: the width between A and B.</param>
/// <param name="Alpha">What an adapter gives is multiplied with alpha / r.</param>
/// <param name="TargetModules">
/// The modules that get one, by the last parts of their published names (<c>q_proj</c>, <c>self_attn.q_proj</c>); * stands for any characters.
/// </param>
public sealed record AdapterOptions(int Rank, double Alpha, EquatableArray<string> TargetModules);
