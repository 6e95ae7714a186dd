using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Passes;

/// <summary>Which parameters are trained; the others are frozen.</summary>
public sealed class TrainedParameters(Func<Parameter, bool> contains)
{
    /// <summary>Every parameter.</summary>
    public static TrainedParameters All { get; } = new(_ => true);

    /// <summary>Whether a parameter is trained.</summary>
    public bool Contains(Parameter parameter) => contains(parameter);

    /// <summary>The parameter if it is there and trained, else null.</summary>
    public Parameter? Only(Parameter? parameter) => parameter is not null && contains(parameter) ? parameter : null;
}
