using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.Tool.Training;

/// <summary>
/// What the numbers of a model are before it has learned anything: matrices and tables bell-shaped around 0 with deviation 0.02 (config.json's
/// initializer_range where it has one); those whose products are added to the residual stream divided by √(2 · layers), so that the stream does not grow with
/// depth (GPT-2, "Language Models are Unsupervised Multitask Learners", 2.3); norms 1, biases 0. The same seed gives the same bits on any machine.
/// </summary>
internal sealed class WeightInitialisation
{
    private const double UsualDeviation = 0.02;

    private readonly ulong seed;
    private readonly Dictionary<string, (float Centre, float Deviation)> tensors = new(StringComparer.Ordinal);

    /// <param name="graph">The model.</param>
    /// <param name="deviation">config.json's initializer_range, or null.</param>
    /// <param name="seed">Any.</param>
    public WeightInitialisation(ModelGraph graph, double? deviation, ulong seed)
    {
        this.seed = seed;
        double normal = deviation ?? UsualDeviation;
        double residual = normal / Math.Sqrt(2 * graph.Dimensions.Layers);
        HashSet<Value> added = [.. graph.Operations.OfType<Add>().SelectMany(add => add.Inputs)];
        foreach (Operation operation in graph.Operations)
        {
            foreach (Parameter parameter in operation.Parameters)
            {
                tensors[parameter.Tensor.Name] = operation switch
                {
                    Norm norm => (parameter == norm.Weight ? 1 - (float)norm.WeightOffset : 0, 0),
                    Linear linear when parameter == linear.Bias => (0, 0),
                    Linear => (0, (float)(added.Contains(operation.Output) ? residual : normal)),
                    _ => (0, (float)normal),
                };
            }
        }
    }

    /// <summary>The numbers of a tensor from the <paramref name="first"/> on, row by row.</summary>
    public void Make(TensorInfo tensor, long first, Span<float> numbers)
    {
        (float centre, float deviation) = tensors[tensor.Name];
        SeededNoise noise = new(seed, tensor.Name);
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = deviation == 0 ? centre : centre + (deviation * noise.Normal(first + i));
        }
    }
}
