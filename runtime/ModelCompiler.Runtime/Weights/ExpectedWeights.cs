namespace ModelCompiler.Runtime.Weights;

/// <summary>The packed weights that a model's code was made for.</summary>
/// <param name="Name">The model's name.</param>
/// <param name="File">Their file name.</param>
/// <param name="EmbeddedResource">The resource that holds them instead, or null.</param>
/// <param name="PlanHash">SHA-256 of their layout.</param>
/// <param name="ContentHash">SHA-256 of their content.</param>
/// <param name="LengthBytes">Length of the data section.</param>
internal sealed record ExpectedWeights(string Name, string File, string? EmbeddedResource, string PlanHash, string ContentHash, long LengthBytes)
{
    /// <summary>Those of a compiled model.</summary>
    public static ExpectedWeights Of(ModelDescription description) => new(
        description.Name, description.WeightsFile, description.EmbeddedResource, description.PlanHash, description.ContentHash, description.WeightsLengthBytes);
}
