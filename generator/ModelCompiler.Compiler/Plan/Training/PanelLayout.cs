using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// Where the panels of a matrix lie, for kernels that walk them in the order of a row of outputs (part by part), not of memory (where the
/// panels of two parts alternate).
/// </summary>
/// <param name="Format">The codec.</param>
/// <param name="Parts">1, or 2 for gate and up.</param>
/// <param name="Inputs">Floats of a row of inputs; the format may pad them further.</param>
/// <param name="PartOutputs">Padded outputs of a part.</param>
public sealed record PanelLayout(WeightFormat Format, int Parts, int Inputs, int PartOutputs)
{
    /// <summary>Outputs of a full panel.</summary>
    public int Columns => Format.PanelColumns;

    /// <summary>Full panels of a part.</summary>
    public int FullPanels => PartOutputs / Columns;

    /// <summary>Outputs of the narrow last panel of each part; 0 when all are full.</summary>
    public int TailColumns => PartOutputs % Columns;

    /// <summary>Panels of a part.</summary>
    public int PartPanels => FullPanels + (TailColumns > 0 ? 1 : 0);

    /// <summary>Panels of all parts.</summary>
    public int Panels => Parts * PartPanels;

    /// <summary>Bytes of a panel of so many columns.</summary>
    public long PanelBytes(int columns) => Format.PanelBytes(Format.PadInputs(Inputs), columns);

    /// <summary>Bytes of input 0 … <paramref name="inputs"/> − 1 of a panel; a multiple of 64 inputs.</summary>
    public long BlockBytes(int inputs, int columns) => Format.PanelBytes(inputs, columns);
}
