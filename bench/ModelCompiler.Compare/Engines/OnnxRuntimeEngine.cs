using ModelCompiler.Compare.Inputs;

namespace ModelCompiler.Compare.Engines;

/// <summary>ONNX Runtime with the same model, exported: <c>modelc bench --provider</c>, in a process of its own.</summary>
/// <param name="modelc">Measures with a provider.</param>
/// <param name="provider">Its name.</param>
internal sealed class OnnxRuntimeEngine(ModelcEngine modelc, string provider) : IEngine
{
    /// <inheritdoc/>
    public string Name => provider == "cpu" ? "ONNX Runtime" : $"ONNX Runtime, {provider}";

    /// <summary>Formats that it has no products of its own for would be measured as something else.</summary>
    public string? FormatOf(SpeedPair pair) => pair.Onnx && pair.Depth == 0 ? pair.Weights : null;

    /// <inheritdoc/>
    public void Prepare(SpeedPair pair, CancellationToken cancellation) => modelc.Prepare(pair with { Cache = null }, cancellation);

    /// <inheritdoc/>
    public Measured Measure(SpeedPair pair, Lengths lengths, CancellationToken cancellation) => modelc.Measure(pair with { Cache = null }, lengths, cancellation) with { Machine = null };
}
