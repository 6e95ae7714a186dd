namespace ModelCompiler.Runtime.Execution;

/// <summary>How a step of a class compiled with Trace is looked into; the default is a step as it is.</summary>
/// <param name="Trace">Receives what taps keep.</param>
/// <param name="Given">The head alone, for these states.</param>
/// <param name="VectorsOnly">The tokens' vectors alone.</param>
internal readonly record struct StepLook(StepTrace? Trace, StepTrace? Given = null, bool VectorsOnly = false);
