using ModelCompiler.Runtime.Adapters;
using ModelCompiler.Runtime.Numerics;

namespace ModelCompiler.Runtime.Training;

// What new adapters begin with.
public abstract unsafe partial class TrainableModel
{
    private const string NarrowSuffix = ".lora_A.weight";

    /// <summary>The packed weights under the adapters; null: the model itself is trained.</summary>
    internal AdapterBase? AdapterBase => Description.Frozen is { } weights ? new(weights.PlanHash, frozen!.Sample()) : null;

    /// <summary>
    /// Gives adapters the numbers that new ones have in the PEFT library: A uniform within ±1 / √inputs, B 0, so that training begins with the model as it is.
    /// </summary>
    /// <param name="seed">The same seed gives the same numbers.</param>
    /// <exception cref="InvalidOperationException">The model itself is trained.</exception>
    public void InitialiseAdapters(ulong seed)
    {
        if (Description.Adapter is null)
        {
            throw new InvalidOperationException($"Found the model '{Description.Name}', which is trained itself, expected one whose adapters are.");
        }

        foreach (TrainingTensor tensor in Description.Tensors)
        {
            float[] numbers = new float[tensor.Length];
            if (tensor.Name.EndsWith(NarrowSuffix, StringComparison.Ordinal))
            {
                ulong start = tensor.Name.Aggregate(seed, (state, letter) => SplitMix64.At(state, letter));
                float bound = 1 / MathF.Sqrt(tensor.Shape[1]);
                for (int i = 0; i < numbers.Length; i++)
                {
                    uint bits = (uint)(SplitMix64.At(start, (ulong)i) >> 40); // 24 bits
                    numbers[i] = bound * ((bits * (2f / (1 << 24))) - 1);
                }
            }

            WriteTensor(tensor.Name, numbers);
        }
    }

    /// <summary>Called by the emitted class's LoadForTraining where adapters are trained.</summary>
    public static TModel InitialiseAdapters<TModel>(TModel model, ulong seed)
        where TModel : TrainableModel
    {
        model.InitialiseAdapters(seed);
        return model;
    }
}
