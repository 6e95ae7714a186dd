using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Emission;

/// <summary>Plans and emits models of any size from a config alone: their tensors are declared, and have no data.</summary>
internal static class PlannedShapes
{
    public static ModelPlan Plan(string name, string config, string format, string cache = "f32", ModelFeatures features = ModelFeatures.None)
    {
        long offset = 0;
        List<TensorInfo> tensors = [];
        foreach (SyntheticTensor tensor in SyntheticTensors.Of(config))
        {
            long length = tensor.Shape.Aggregate(4L, (bytes, size) => bytes * size);
            tensors.Add(new TensorInfo(tensor.Name, TensorType.F32, new([.. tensor.Shape]), "model.safetensors", offset, length));
            offset += length;
        }

        List<ModelDiagnostic> diagnostics = [];
        ModelInputs inputs = new(name, new ModelConfig(new TextFile("config.json", config)), new([.. tensors]));
        ModelPlan? plan = ModelCompilation.Plan(inputs, new PlanOptions(format, cache, features), diagnostics);
        Assert.Empty(diagnostics);
        return plan!;
    }

    public static EquatableArray<GeneratedFile> Emit(ModelPlan plan)
        => ModelCompilation.Emit(plan, new EmitOptions("Emitted", "Model", "public sealed", new string('0', 64), "model.mcw", null));
}
