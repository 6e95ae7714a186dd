using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// What a class compiled with <see cref="ModelFeatures.Trace"/> can run besides a whole step, whose taps are stages among the others
/// (<see cref="TapKernel"/>). Null in a plan without: then there is none of all this.
/// </summary>
/// <param name="Vectors">Tokens to their own vectors, without positions, each kept as state 0.</param>
/// <param name="Given">Puts given states where the head reads the residual stream: the head follows.</param>
/// <param name="Inputs">The values that products in block formats round, in the order of their taps.</param>
public sealed record TracePlan(EquatableArray<Stage> Vectors, Stage Given, EquatableArray<Value> Inputs);

/// <summary>The states of a trace, by number: 0 the embedded tokens, then two for each layer, and the normed state that the head reads.</summary>
public static class TracedStates
{
    /// <summary>The tokens as the first layer reads them.</summary>
    public const int Embedded = 0;

    /// <summary>The residual stream behind a section.</summary>
    public static int Behind(Place place, int layers) => place.Section switch
    {
        Section.Embedding => Embedded,
        Section.Attention => (2 * place.Layer) + 1,
        Section.FeedForward => (2 * place.Layer) + 2,
        _ => (2 * layers) + 1,
    };
}
