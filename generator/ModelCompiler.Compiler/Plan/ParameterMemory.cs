using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>
/// The memory that parameters lie in: the packed file, which may be there already, and float32 memory of their own for those that change or come later
/// (what is trained, adapters).
/// </summary>
/// <param name="packed">Layout of the packed file.</param>
/// <param name="own">Layout of the other memory.</param>
/// <param name="isOwn">Which parameters lie there.</param>
internal sealed class ParameterMemory(ParameterLayout packed, ParameterLayout own, Func<Parameter, bool> isOwn)
{
    /// <summary>Numbers of memory of its own are float32.</summary>
    public static FormatChoice F32 { get; } = new(F32Format.Instance, default);

    /// <summary>How the memory that holds a parameter is laid out.</summary>
    public ParameterLayout Layout(Parameter parameter) => isOwn(parameter) ? own : packed;

    /// <summary>A matrix as an argument; <paramref name="parameter"/>: one that it holds.</summary>
    public WeightArgument Argument(string name, PackedMatrix matrix, Parameter parameter) => WeightArgument.Of(name, matrix, Base(parameter));

    /// <summary>A vector as an argument; <paramref name="parameter"/>: one that it holds.</summary>
    public WeightArgument Argument(string name, PackedVector vector, Parameter parameter) => WeightArgument.Of(name, vector, Base(parameter));

    /// <summary>The biases of some products, if they have any.</summary>
    public WeightArgument[] Biases(IReadOnlyList<ProductPart> parts)
        => parts.Select(part => part.Bias).FirstOrDefault(bias => bias is not null) is { } first && Layout(first).Biases(parts) is { } vector ? [Argument("bias", vector, first)] : [];

    /// <summary>
    /// The matrices that hold some products of one input: one with all of them, or, where gate and up are wanted by themselves of a matrix whose panels
    /// alternate, that matrix once for each.
    /// </summary>
    public IReadOnlyList<ProductPlace> Places(IReadOnlyList<ProductPart> parts, Groups input)
    {
        ParameterLayout layout = Layout(parts[0].Weight);
        List<ProductPlace> places = [];
        foreach (ProductPart part in parts)
        {
            if (layout.PartOf(part, input) is not { } found)
            {
                return [new ProductPlace(parts, layout.Products(parts, input), 0, Biases(parts))];
            }

            places.Add(new ProductPlace([part], found.Matrix, found.Part, part.Bias is { } bias ? [layout.BiasOf(bias, Base(bias))] : []));
        }

        return places;
    }

    private WeightBase Base(Parameter parameter) => isOwn(parameter) ? WeightBase.Trainable : WeightBase.Weights;
}

/// <summary>Products that one kernel computes: part <paramref name="Part"/> of a matrix whose panels alternate, or all of a matrix.</summary>
internal sealed record ProductPlace(IReadOnlyList<ProductPart> Products, PackedMatrix Matrix, int Part, WeightArgument[] Biases)
{
    /// <summary>Parts of the matrix, whose panels alternate.</summary>
    public int Parts => Matrix.Parts.Count;
}
