using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Tests.Plan;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>Whole models of every family: each parameter's gradient against differences.</summary>
public class FamilyGradientTests
{
    public static TheoryData<string> Models => TrainingModels.Names;

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_gradient_is_what_differences_give(string model)
    {
        ModelGraph training = TrainingModels.TrainingGraph(model);
        Assert.Equal(training.Parameters.ToHashSet(), training.TrainedParameters.ToHashSet());
        GradientCheck.Run(training, new SeededParameters(), TrainingModels.Sequences, lossScale: 0.25);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Passes_keep_the_graph_valid(string model)
        => PassList.Run(PassList.Training(TrainedParameters.All, recomputedLayers: 1), TrainingModels.Graph(model), PlannedModel.F32, (_, graph) => TrainingModels.Verified(graph));
}
