using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;

namespace ModelCompiler.Compiler.Tests.Training;

/// <summary>
/// Weights of small graphs, the same in every run: multiples of 2^-20 below 2 in size, so that adding a step of a larger power of 2 is exact in float32. Any can be moved.
/// </summary>
internal sealed class SeededParameters : IParameterSource
{
    private readonly Dictionary<string, float[]> numbers = [];

    /// <summary>The numbers of a parameter [rows × columns]; what is written there is what the model reads.</summary>
    public float[] Of(Parameter parameter)
    {
        if (!numbers.TryGetValue(parameter.Name, out float[]? values))
        {
            Random random = new(parameter.Name.Aggregate(17, (hash, character) => unchecked((hash * 31) + character)));
            values = new float[parameter.Rows * parameter.Columns];
            bool isGain = parameter.Name.Contains("norm") || (parameter.Name.Contains("ln_") && parameter.Name.EndsWith(".weight", StringComparison.Ordinal));
            for (int i = 0; i < values.Length; i++)
            {
                double centre = isGain ? 0.75 : 0;
                values[i] = (float)(Math.Round((centre + (random.NextDouble() - 0.5)) * (1 << 20)) / (1 << 20));
            }

            numbers.Add(parameter.Name, values);
        }

        return values;
    }

    public void Read(Parameter parameter, int firstRow, int rows, Span<float> destination)
        => Of(parameter).AsSpan(firstRow * parameter.Columns, rows * parameter.Columns).CopyTo(destination);
}
