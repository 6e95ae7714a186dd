using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Emit.Kernels.Training;

/// <summary>Some inputs of a panel as floats, where they are to be turned: the panel of a frozen matrix in any format.</summary>
internal static class PanelDecodeWriter
{
    /// <summary>Requires <c>(byte* panel, int inputs, float* target)</c>: target[inputs × width], inputs a multiple of the format's.</summary>
    public static string Require(KernelSet set, WeightFormat format, int width)
        => set.Require(KernelFile.Kernels, $"Decode{format.Name.ToUpperInvariant()}x{width}", writer =>
        {
            writer.Line($"/// <summary>target[inputs × {width}] = the inputs of a {format.Name} panel of {width} columns.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void Decode{format.Name.ToUpperInvariant()}x{width}(byte* panel, int inputs, float* target)");
            if (format is BlockFormat block)
            {
                WriteGroups(writer, set.Target, block, width);
            }
            else
            {
                WriteInputs(writer, set.Target, format, width);
            }

            writer.Close();
        });

    private static void WriteInputs(SourceWriter writer, VectorTarget t, WeightFormat format, int width)
    {
        int group = format.InputsPerGroup;
        foreach (string constant in format.TileConstants(t))
        {
            writer.Line(constant);
        }

        writer.Line($"var w = ({format.ElementType}*)panel;");
        writer.Open($"for (int input = 0; input < inputs; input += {group})");
        writer.Open($"for (nint column = 0; column < {width}; column += {t.Lanes})");
        for (int input = 0; input < group; input++)
        {
            writer.Line(t.Store(format.TileWeight(t, "w + column", input), input == 0 ? "target + column" : $"target + column + {input * width}"));
        }

        writer.Close().Line();
        writer.Line($"w += {width};").Line($"target += {group * width};");
        writer.Close();
    }

    /// <summary>scale · integer, group by group, the integers of each chunk taken out of their words one by one.</summary>
    private static void WriteGroups(SourceWriter writer, VectorTarget t, BlockFormat format, int width)
    {
        writer.Open($"for (int group = 0; group < inputs / {BlockFormat.GroupInputs}; group++)");
        writer.Open($"for (nint column = 0; column < {width}; column += {t.Lanes})");
        writer.Line($"var scale = {t.LoadScales($"panel + (column * {BlockFormat.ScaleBytes})")};");
        writer.Open($"for (nint chunk = 0; chunk < {format.Chunks}; chunk++)");
        writer.Line($"var words = {t.Load($"(int*)(panel + {width * BlockFormat.ScaleBytes} + (((chunk * {width}) + column) * {BlockFormat.ColumnBytes}))")};");
        writer.Line($"float* to = target + (chunk * {format.ChunkInputs * width}) + column;");
        for (int input = 0; input < format.ChunkInputs; input++)
        {
            // Of four bits: the low halves of the four bytes, then the high ones, each 8 too large.
            int begin = (input % 4 * 8) + (format.Bits == 4 && input >= 4 ? 4 : 0);
            int end = 32 - format.Bits - begin;
            string integer = format.Bits == 8
                ? $"{t.Vector}.ShiftRightArithmetic(words << {end}, {32 - format.Bits})"
                : $"((words >>> {begin}) & {t.Vector}.Create(15)) - {t.Vector}.Create({Q4Format.Offset})";
            writer.Line(t.Store($"{t.Vector}.ConvertToSingle({integer}) * scale", input == 0 ? "to" : $"to + {input * width}"));
        }

        writer.Close().Close().Line();
        writer.Line($"panel += {format.GroupBytes(width)};").Line($"target += {BlockFormat.GroupInputs * width};");
        writer.Close();
    }
}
