using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>C# that finds a panel by its place in the order of a row of outputs.</summary>
internal static class PanelWalk
{
    /// <summary>The column of a row of outputs where panel <paramref name="panel"/> (a C# expression) begins.</summary>
    public static string Column(PanelLayout layout, string panel)
        => layout.Parts == 1
            ? $"{panel} * {layout.Columns}"
            : $"({panel} / {layout.PartPanels} * {layout.PartOutputs}) + ({panel} % {layout.PartPanels} * {layout.Columns})";

    /// <summary>Where panel <paramref name="panel"/> begins, in bytes from the first one. Panels of several parts alternate in memory; so do their narrow last ones.</summary>
    public static string OffsetBytes(PanelLayout layout, string panel)
    {
        if (layout.Parts == 1)
        {
            return $"(nint){panel} * {layout.PanelBytes(layout.Columns)}";
        }

        string place = $"{panel} % {layout.PartPanels}", part = $"{panel} / {layout.PartPanels}";
        string bytes = layout.TailColumns == 0
            ? Literals.Int(layout.PanelBytes(layout.Columns))
            : $"({Width(layout, panel)} == {layout.TailColumns} ? {layout.PanelBytes(layout.TailColumns)} : {layout.PanelBytes(layout.Columns)})";
        return $"((nint)({place}) * {layout.Parts * layout.PanelBytes(layout.Columns)}) + ({part} * (nint){bytes})";
    }

    /// <summary>Outputs of panel <paramref name="panel"/>.</summary>
    public static string Width(PanelLayout layout, string panel)
        => layout.TailColumns == 0 ? Literals.Int(layout.Columns)
            : layout.FullPanels == 0 ? Literals.Int(layout.TailColumns)
            : layout.Parts == 1 ? $"({panel} < {layout.FullPanels} ? {layout.Columns} : {layout.TailColumns})"
            : $"({panel} % {layout.PartPanels} < {layout.FullPanels} ? {layout.Columns} : {layout.TailColumns})";

    /// <summary>Writes <paramref name="call"/> for the width of the panel in variable <c>panel</c>: one call, or one for full and one for narrow panels.</summary>
    public static void WriteForWidth(SourceWriter writer, PanelLayout layout, Func<int, string> call)
    {
        if (layout.TailColumns == 0 || layout.FullPanels == 0)
        {
            writer.Line(call(layout.TailColumns == 0 ? layout.Columns : layout.TailColumns));
            return;
        }

        writer.Open($"if (panel{(layout.Parts == 1 ? "" : $" % {layout.PartPanels}")} < {layout.FullPanels})").Line(call(layout.Columns)).Close();
        writer.Open("else").Line(call(layout.TailColumns)).Close();
    }
}
