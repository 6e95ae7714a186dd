using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>
/// Asks for cache lines some microseconds before they are needed. Rows lie thousands of bytes apart, on pages of their own, where no processor
/// fetches ahead by itself.
/// </summary>
internal static class PrefetchWriter
{
    private const int LineBytes = 64;

    /// <summary>Requires <c>(y, stride, rows)</c>, which asks for columns of some rows, y[rows × columns].</summary>
    public static string Rows(KernelSet set, int columns, PrefetchHint hint)
    {
        string name = $"Ask{columns}{(hint == PrefetchHint.Second ? "" : $"Into{hint}")}";
        return set.Require(KernelFile.Kernels, name, writer =>
        {
            writer.Line($"/// <summary>Asks for {columns} columns of some rows.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveInlining)]");
            writer.Open($"private static void {name}(float* y, nint stride, int rows)");
            writer.Open("for (; rows > 0; rows--)");
            WriteLines(writer, set.Target, "y", 0, columns, hint);
            writer.Line("y += stride;");
            writer.Close().Close();
        });
    }

    /// <summary>Asks for what lies ahead of some registers, which are loaded from elements of <paramref name="elementBytes"/> bytes at pointer[offset].</summary>
    public static void WriteAhead(SourceWriter writer, VectorTarget target, ReadAhead ahead, string pointer, int offset, int registers, int elementBytes = sizeof(float))
    {
        if (ahead.Bytes > 0)
        {
            WriteLines(writer, target, pointer, offset + (ahead.Bytes / elementBytes), registers * target.Lanes * sizeof(float) / elementBytes, ahead.Hint, elementBytes);
        }
    }

    /// <summary>Asks for the lines of <paramref name="columns"/> elements at pointer[offset].</summary>
    public static void WriteLines(SourceWriter writer, VectorTarget target, string pointer, int offset, int columns, PrefetchHint hint, int elementBytes = sizeof(float))
    {
        for (int column = 0; column < columns; column += LineBytes / elementBytes)
        {
            int at = offset + column;
            if (target.Prefetch(at == 0 ? pointer : $"&{pointer}[{at}]", hint) is { } prefetch)
            {
                writer.Line(prefetch);
            }
        }
    }
}
