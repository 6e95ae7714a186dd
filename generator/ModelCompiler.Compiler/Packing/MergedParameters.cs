using System.Collections.Concurrent;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Passes.Training;

namespace ModelCompiler.Compiler.Packing;

/// <summary>A model with an adapter merged into its matrices: W + α/r · B · A, added in double precision and rounded to float32 once.</summary>
public sealed class MergedParameters : IParameterSource
{
    private readonly IParameterSource published;
    private readonly IParameterSource adapters;
    private readonly IReadOnlyDictionary<Parameter, (Parameter A, Parameter B)> pairs;
    private readonly double scale;
    private readonly ConcurrentDictionary<Parameter, float[]> narrow = [];

    /// <param name="published">The model.</param>
    /// <param name="graph">The model as mapped, without adapters.</param>
    /// <param name="options">Rank, alpha and targets.</param>
    /// <param name="adapters">The numbers of A and B.</param>
    /// <exception cref="ArgumentException">A rank below 1, a target that fits no product, or one whose matrix is the table of tokens too (a tied head).</exception>
    public MergedParameters(IParameterSource published, ModelGraph graph, AdapterOptions options, IParameterSource adapters)
    {
        this.published = published;
        this.adapters = adapters;
        pairs = InsertAdapters.Pairs(graph, options);
        scale = options.Alpha / options.Rank;
        if (graph.Operations.Where(operation => operation is not Linear).SelectMany(operation => operation.Parameters).FirstOrDefault(pairs.ContainsKey) is { } shared)
        {
            throw new ArgumentException($"found an adapter of '{shared.Name}', which is read elsewhere too, expected one of a matrix that only a product reads", nameof(options));
        }
    }

    /// <summary>The published tensors of the adapters of a model, each once.</summary>
    /// <exception cref="ArgumentException">A rank below 1, or a target that fits no product.</exception>
    public static IEnumerable<TensorInfo> AdapterTensors(ModelGraph graph, AdapterOptions options)
        => InsertAdapters.Pairs(graph, options).Values.SelectMany(pair => new[] { pair.A.Tensor, pair.B.Tensor }).Distinct();

    /// <inheritdoc/>
    public void Read(Parameter parameter, int firstRow, int rows, Span<float> destination)
    {
        published.Read(parameter, firstRow, rows, destination);
        if (!pairs.TryGetValue(parameter, out (Parameter A, Parameter B) pair))
        {
            return;
        }

        float[] a = narrow.GetOrAdd(pair.A, ReadWhole);
        int rank = pair.A.Rows, columns = parameter.Columns;
        float[] b = new float[rows * rank];
        adapters.Read(pair.B, firstRow, rows, b);
        double[] sums = new double[columns];
        for (int row = 0; row < rows; row++)
        {
            Array.Clear(sums, 0, columns);
            for (int r = 0; r < rank; r++)
            {
                double factor = scale * b[(row * rank) + r];
                for (int k = 0; k < columns; k++)
                {
                    sums[k] += factor * a[(r * columns) + k];
                }
            }

            for (int k = 0; k < columns; k++)
            {
                ref float number = ref destination[(row * columns) + k];
                number = (float)(number + sums[k]);
            }
        }
    }

    private float[] ReadWhole(Parameter parameter)
    {
        float[] numbers = new float[parameter.Rows * parameter.Columns];
        adapters.Read(parameter, 0, parameter.Rows, numbers);
        return numbers;
    }
}
