using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.Compiler.Tests.Plan;

/// <summary>Plans of models of which only the config and the tensors' declarations exist.</summary>
internal static class PlannedModel
{
    public static IReadOnlyDictionary<string, string> Configs { get; } = SyntheticConfigs.Small.Concat(SyntheticConfigs.Published).ToDictionary(pair => pair.Key, pair => pair.Value);

    /// <summary>All matrices in f32.</summary>
    public static FormatChoice F32 { get; } = new(F32Format.Instance, default);

    /// <summary>All matrices in q4, so that inputs are quantised.</summary>
    public static FormatChoice Q4 { get; } = new(Q4Format.Instance, default);

    public static TheoryData<string> Names => [.. Configs.Keys];

    public static ModelPlan Of(string name, string format = "f32")
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelPlan? plan = ModelCompilation.Plan(Inputs(name, Configs[name]), new PlanOptions(format), diagnostics);
        Assert.Empty(diagnostics);
        return plan!;
    }

    public static ModelInputs Inputs(string name, string config)
    {
        long offset = 0;
        List<TensorInfo> tensors = [];
        foreach (SyntheticTensor tensor in SyntheticTensors.Of(config))
        {
            long length = tensor.Shape.Aggregate(4L, (bytes, size) => bytes * size);
            tensors.Add(new TensorInfo(tensor.Name, TensorType.F32, tensor.Shape.ToEquatable(), "model.safetensors", offset, length));
            offset += length;
        }

        return new ModelInputs(name, new ModelConfig(new TextFile("config.json", config)), tensors.ToEquatable());
    }
}
