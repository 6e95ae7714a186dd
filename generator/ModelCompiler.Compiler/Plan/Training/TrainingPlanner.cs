using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>From a training graph to the plan of its step.</summary>
internal static class TrainingPlanner
{
    /// <summary>Plans a training graph whose operations are fused. <paramref name="model"/>: the same model's inference in f32, whose layout the parameters keep.</summary>
    public static TrainingPlan Plan(ModelPlan model, ModelGraph training, int recomputedLayers)
    {
        TrainingArena arena = TrainingArena.Plan(training);
        ParameterLayout layout = new(new WeightsPlanner(model.Weights), new FormatChoice(F32Format.Instance, default));
        EquatableArray<Stage> stages = new TrainingStagePlanner(training, layout, arena).Run();
        KernelPlan[] kernels = [.. stages.Select(stage => stage.Kernel).Distinct()];
        TrainingScratchPlan scratch = new(
            arena.FloatsPerRow,
            ArenaPlanner.Pad(kernels.Max(TrainingScratch.LocalFloats)),
            kernels.Max(TrainingScratch.FloatsPerRow),
            kernels.Max(TrainingScratch.FloatsPerPosition),
            kernels.OfType<HeadLossKernel>().Sum(loss => (long)loss.BlockRows * loss.VocabStride));
        return new TrainingPlan(model, training, stages, scratch, recomputedLayers);
    }
}
