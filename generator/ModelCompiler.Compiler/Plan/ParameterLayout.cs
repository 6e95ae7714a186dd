using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;

namespace ModelCompiler.Compiler.Plan;

/// <summary>A part of a product: its weight and bias, and how its outputs are laid out.</summary>
internal readonly record struct ProductPart(Parameter Weight, Parameter? Bias, Groups Outputs);

/// <summary>Where the parameters of each kind of operation lie: the same for inference and for training, so that both read the same memory.</summary>
internal sealed class ParameterLayout(WeightsPlanner weights, FormatChoice formats)
{
    /// <summary>A table [vocab × dim], as columns: a tied head reads the same matrix.</summary>
    public PackedMatrix Table(Parameter table)
        => weights.Matrix(
            formats.Of(table), [new MatrixPart(WeightsPlanner.Outputs(table, Groups.Whole(table.Rows)).ToEquatable())], ArenaPlanner.Pad(table.Rows),
            WeightsPlanner.Inputs(Groups.Whole(table.Columns)), ArenaPlanner.Pad(table.Columns));

    /// <summary>A table of learned positions, row by row.</summary>
    public PackedVector Positions(Parameter positions)
        => weights.Vector(positions.Name, [new VectorSegment(positions, 0, positions.Columns, 0)], positions.Rows, ArenaPlanner.Pad(positions.Columns));

    /// <summary>The weight or bias of a norm.</summary>
    public PackedVector Row(Parameter vector, double addend)
        => weights.Vector(vector.Name, [new VectorSegment(vector, 0, vector.Rows, 0)], 1, ArenaPlanner.Pad(vector.Rows), addend);

    /// <summary>Products of one input, side by side.</summary>
    public PackedMatrix Products(IReadOnlyList<ProductPart> parts, Groups input)
    {
        List<OutputSegment> outputs = [];
        int width = 0;
        foreach (ProductPart part in parts)
        {
            outputs.AddRange(WeightsPlanner.Outputs(part.Weight, part.Outputs, width));
            width += part.Outputs.PaddedWidth;
        }

        return weights.Matrix(formats.Of(parts[0].Weight), [new MatrixPart(outputs.ToEquatable())], width, WeightsPlanner.Inputs(input), input.PaddedWidth);
    }

    /// <summary>Gate and up: panels alternate.</summary>
    public PackedMatrix Gated(ProductPart gate, ProductPart up, Groups input)
    {
        MatrixPart[] parts = [.. new[] { gate, up }.Select(part => new MatrixPart(WeightsPlanner.Outputs(part.Weight, part.Outputs).ToEquatable()))];
        return weights.Matrix(formats.Of(gate.Weight), parts, gate.Outputs.PaddedWidth, WeightsPlanner.Inputs(input), input.PaddedWidth);
    }

    /// <summary>The gate or the up of a matrix that has both, and which of them it is; null where a product has a matrix to itself or lies beside others.</summary>
    public (PackedMatrix Matrix, int Part)? PartOf(ProductPart part, Groups input)
        => weights.PartOf(new MatrixPart(WeightsPlanner.Outputs(part.Weight, part.Outputs).ToEquatable()), WeightsPlanner.Inputs(input));

    /// <summary>The bias of such a part.</summary>
    public WeightArgument BiasOf(Parameter bias, WeightBase origin)
    {
        (PackedVector vector, int at) = weights.VectorOf(bias);
        return WeightArgument.Of("bias", vector, origin) with { OffsetBytes = vector.OffsetBytes + (sizeof(float) * (long)at) };
    }

    /// <summary>The biases of products of one input, part behind part; null when there are none.</summary>
    public PackedVector? Biases(IReadOnlyList<ProductPart> parts)
    {
        List<VectorSegment> biases = [];
        int width = 0;
        foreach (ProductPart part in parts)
        {
            biases.AddRange(part.Bias is { } bias ? WeightsPlanner.Elements(bias, part.Outputs, width) : []);
            width += part.Outputs.PaddedWidth;
        }

        return biases.Count == 0
            ? null
            : weights.Vector(string.Join(" | ", biases.Select(segment => segment.Parameter.Name).Distinct()), biases, 1, width);
    }
}
