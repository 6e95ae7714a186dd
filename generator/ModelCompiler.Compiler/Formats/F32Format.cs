using System.Runtime.InteropServices;
using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Formats;

/// <summary>IEEE 754 binary32: panel[k · columns + c] = W[c, k].</summary>
public sealed class F32Format : WeightFormat
{
    /// <summary>The one instance.</summary>
    public static F32Format Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "f32";

    internal override int InputsPerGroup => 1;

    internal override string ElementType => "float";

    /// <inheritdoc/>
    public override long PanelBytes(int inputs, int columns) => 4L * inputs * columns;

    /// <inheritdoc/>
    public override void EncodePanel(ReadOnlySpan<float> weights, int inputs, int columns, Span<byte> panel)
    {
        Span<float> target = MemoryMarshal.Cast<byte, float>(panel);
        for (int c = 0; c < columns; c++)
        {
            ReadOnlySpan<float> row = weights.Slice(c * inputs, inputs);
            for (int k = 0; k < row.Length; k++)
            {
                target[(k * columns) + c] = row[k];
            }
        }
    }

    /// <inheritdoc/>
    public override void DecodePanel(ReadOnlySpan<byte> panel, int inputs, int columns, Span<float> weights)
    {
        ReadOnlySpan<float> source = MemoryMarshal.Cast<byte, float>(panel);
        for (int k = 0; k < inputs; k++)
        {
            for (int c = 0; c < columns; c++)
            {
                weights[(c * inputs) + k] = source[(k * columns) + c];
            }
        }
    }

    internal override string TileWeight(VectorTarget target, string pointer, int input) => target.Load(pointer);

    internal override string ScalarWeight(string panel, string k, string column, string columns) => $"((float*){panel})[({k} * {columns}) + {column}]";
}
