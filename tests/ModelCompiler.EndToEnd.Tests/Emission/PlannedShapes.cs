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
        List<ModelDiagnostic> diagnostics = [];
        ModelInputs inputs = new(name, new ModelConfig(new TextFile("config.json", config)), SyntheticTensors.Declare(config));
        ModelPlan? plan = ModelCompilation.Plan(inputs, new PlanOptions(format, cache, features), diagnostics);
        Assert.Empty(diagnostics);
        return plan!;
    }

    public static EquatableArray<GeneratedFile> Emit(ModelPlan plan)
        => ModelCompilation.Emit(plan, new EmitOptions("Emitted", "Model", "public sealed", new string('0', 64), "model.mcw", null));
}
