using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>Takes a page apart into floats, once for all rows of a block; and its scales alone, where the words stay as they are.</summary>
internal static class CacheUnpackWriter
{
    /// <summary>Requires <c>(block, page[, scales])</c>: page = keys [headDim × 64], then values [64 × headDim].</summary>
    public static string Page(KernelSet set, CacheBlock block)
    {
        string name = $"Unpack{block.HeadDim}{block.Format.Name.ToUpperInvariant()}";
        return set.Require(KernelFile.Kernels, name, writer =>
        {
            writer.Line($"/// <summary>The keys and values of a page as floats: [{block.HeadDim} × 64], then [64 × {block.HeadDim}].</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {name}(byte* block, float* page{(block.Groups == 0 ? "" : ", float* scales")})");
            foreach (string constant in block.Format.Constants(set.Target))
            {
                writer.Line(constant);
            }

            WriteKeys(writer, set.Target, block);
            WriteValues(writer, set.Target, block);
            writer.Close();
        });
    }

    /// <summary>Requires <c>(words, scales)</c>: the scales of keys and of values, [group × 64] each.</summary>
    public static string Scales(KernelSet set, CacheBlock block)
    {
        string name = $"UnpackScales{block.HeadDim}{block.Format.Name.ToUpperInvariant()}";
        return set.Require(KernelFile.Kernels, name, writer =>
        {
            VectorTarget t = set.Target;
            writer.Line("/// <summary>bfloat16 in pairs of groups to floats, [group × 64].</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {name}(uint* words, float* scales)");
            writer.Open($"for (nint row = 0; row < {2 * block.ScaleRows}; row++)");
            writer.Open($"for (nint c = 0; c < {CachePage.Positions}; c += {t.Lanes})");
            writer.Line($"var pair = {t.Load("words + c")};");
            writer.Line(t.Store("(pair << 16).AsSingle()", "scales + c"));
            writer.Line(t.Store($"(pair & {t.Broadcast("0xFFFF0000u")}).AsSingle()", $"scales + c + {CachePage.Positions}"));
            writer.Close().Line();
            writer.Line($"words += {CachePage.Positions};");
            writer.Line($"scales += {2 * CachePage.Positions};");
            writer.Close().Close();
        });
    }

    private static void WriteKeys(SourceWriter writer, VectorTarget t, CacheBlock block)
    {
        int n = block.Format.NumbersPerWord;
        writer.Line("uint* words = (uint*)block;");
        writer.Open($"for (nint i = 0; i < {block.HeadDim}; i += {n})");
        writer.Open($"for (nint c = 0; c < {CachePage.Positions}; c += {t.Lanes})");
        writer.Line($"var word = {t.Load("words + c")};");
        string scale = "";
        if (block.Groups > 0)
        {
            writer.Line($"var scale = {t.Load($"scales + (i / {block.Format.GroupSize} * {CachePage.Positions}) + c")};");
            scale = " * scale";
        }

        for (int j = 0; j < n; j++)
        {
            writer.Line(t.Store(block.Format.Number(t, "word", j) + scale, j == 0 ? "page + c" : $"page + c + {j * CachePage.Positions}"));
        }

        writer.Close().Line();
        writer.Line($"words += {CachePage.Positions};");
        writer.Line($"page += {n * CachePage.Positions};");
        writer.Close().Line();
    }

    private static void WriteValues(SourceWriter writer, VectorTarget t, CacheBlock block)
    {
        int n = block.Format.NumbersPerWord;
        writer.Line($"words = (uint*)(block + {block.ValuesOffsetBytes});");
        writer.Open($"for (nint p = 0; p < {CachePage.Positions}; p += {n})");
        writer.Open($"for (nint i = 0; i < {block.HeadDim}; i += {t.Lanes})");
        writer.Line($"var word = {t.Load("words + i")};");
        if (block.Groups > 0)
        {
            writer.Line($"float* scale = scales + {2 * block.ScaleRows * CachePage.Positions} + (i / {block.Format.GroupSize} * {CachePage.Positions}) + p;");
        }

        for (int j = 0; j < n; j++)
        {
            string scale = block.Groups == 0 ? "" : $" * {t.Broadcast($"scale[{j}]")}";
            writer.Line(t.Store(block.Format.Number(t, "word", j) + scale, j == 0 ? "page + i" : $"page + i + {j * block.HeadDim}"));
        }

        writer.Close().Line();
        writer.Line($"words += {block.HeadDim};");
        writer.Line($"page += {n * block.HeadDim};");
        writer.Close();
    }
}
