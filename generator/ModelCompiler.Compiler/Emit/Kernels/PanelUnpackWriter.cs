using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>Makes a panel float32, once for many rows: the layout of <see cref="F32Format"/>, and exactly the numbers that a tile of the format multiplies.</summary>
internal static class PanelUnpackWriter
{
    /// <summary>Requires <c>(Element* panel, int inputs, float* unpacked)</c>: unpacked[inputs × columns].</summary>
    public static string Require(KernelSet set, WeightFormat format, int columns)
    {
        string name = $"UnpackPanel{columns}{format.Name.ToUpperInvariant()}";
        return set.Require(KernelFile.Kernels, name, writer =>
        {
            VectorTarget t = set.Target;
            int group = format.InputsPerGroup;
            writer.Line($"/// <summary>{columns} columns of {format.Name} weights as float32: unpacked[inputs × {columns}].</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {name}({format.ElementType}* panel, int inputs, float* unpacked)");
            foreach (string constant in format.TileConstants(t))
            {
                writer.Line(constant);
            }

            writer.Open($"for (int k = 0; k < inputs; k += {group})");
            writer.Open($"for (nint c = 0; c < {columns}; c += {t.Lanes})");
            for (int input = 0; input < group; input++)
            {
                writer.Line(t.Store(format.TileWeight(t, "panel + c", input), input == 0 ? "unpacked + c" : $"unpacked + c + {input * columns}"));
            }

            writer.Close().Line();
            writer.Line($"panel += {columns};");
            writer.Line($"unpacked += {group * columns};");
            writer.Close().Close();
        });
    }
}
