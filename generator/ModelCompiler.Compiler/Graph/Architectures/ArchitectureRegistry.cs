namespace ModelCompiler.Compiler.Graph.Architectures;

/// <summary>The families that can be compiled.</summary>
public static class ArchitectureRegistry
{
    /// <summary>Sorted by family.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
    [
        new Gpt2Architecture(),
        new LlamaArchitecture(),
        new MistralArchitecture(),
        new Qwen2Architecture(),
        new Qwen3Architecture(),
    ];

    /// <summary>The architecture of a family, or null.</summary>
    public static Architecture? Find(string family) => All.FirstOrDefault(architecture => architecture.Family == family);
}
