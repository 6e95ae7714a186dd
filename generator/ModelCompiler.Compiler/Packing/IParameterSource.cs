using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Packing;

/// <summary>The numbers of a model's parameters, in the orientation of the graph ([outputs × inputs]).</summary>
public interface IParameterSource
{
    /// <summary>
    /// Rows firstRow … firstRow + rows − 1 of a parameter: destination[r · Columns + k], at least rows · Columns long.
    /// May be called from several threads at once.
    /// </summary>
    void Read(Parameter parameter, int firstRow, int rows, Span<float> destination);
}
