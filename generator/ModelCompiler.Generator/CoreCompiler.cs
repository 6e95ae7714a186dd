namespace ModelCompiler.Generator;

/// <summary>The real core behind <see cref="IModelCompiler"/>.</summary>
internal sealed class CoreCompiler : IModelCompiler
{
    /// <inheritdoc/>
    public ModelOutcome Compile(ModelRequest request, CancellationToken cancellation)
    {
        throw new NotImplementedException();
    }
}
