using ModelCompiler.Runtime.Weights;

namespace ModelCompiler.Runtime.Training;

// Parameters from the weights that the build packed for training.
public abstract unsafe partial class TrainableModel
{
    /// <summary>Called by the emitted class's LoadForTraining: copies packed weights, in float32, into the parameters.</summary>
    /// <returns>The model; disposed of when this throws.</returns>
    /// <exception cref="FileNotFoundException">The weights are not where they should be.</exception>
    /// <exception cref="WeightsFileException">They are not this model's, or damaged.</exception>
    public static TModel Fill<TModel>(TModel model, string file, string? embeddedResource, string contentHash, TrainingLoadOptions? options)
        where TModel : TrainableModel
    {
        try
        {
            ExpectedWeights expected = new(model.Description.Name, file, embeddedResource, model.Description.PlanHash, contentHash, model.LengthBytes);
            using WeightsFile weights = WeightsFile.Open(expected, new LoadOptions { WeightsPath = options?.WeightsPath }, typeof(TModel).Assembly);
            Buffer.MemoryCopy(weights.Data, model.Parameters, model.LengthBytes, model.LengthBytes);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
