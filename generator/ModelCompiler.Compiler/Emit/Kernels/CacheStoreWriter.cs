using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>How keys and values reach their block of a cache page.</summary>
internal static class CacheStoreWriter
{
    /// <summary>Requires <c>(key, value, block, column, codes)</c>, where codes are scratch of one head.</summary>
    public static string Require(KernelSet set, CacheBlock block)
        => set.Require(KernelFile.Kernels, $"Store{block.HeadDim}{block.Format.Name.ToUpperInvariant()}", writer =>
        {
            writer.Line($"/// <summary>Stores one position's key (transposed) and value in their block of a page, as {block.Format.Name}.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void Store{block.HeadDim}{block.Format.Name.ToUpperInvariant()}(float* key, float* value, byte* block, int column, uint* codes)");
            if (block.Format.NumbersPerWord == 1)
            {
                WritePlain(writer, set.Target, block);
            }
            else
            {
                WriteCodes(writer, set, block);
            }

            writer.Close();
        });

    /// <summary>
    /// Requires <c>(keys, keyStride, values, valueStride, pages, offset, position, rows, codes)</c>, which stores one of some consecutive positions or, where it can, more,
    /// and returns how many. offset: of the head's block in a page, in bytes. A key by itself writes four bytes into as many lines as the head has elements.
    /// </summary>
    public static string Rows(KernelSet set, CacheBlock block)
    {
        string one = Require(set, block);
        return set.Require(KernelFile.Kernels, one + "Rows", writer =>
        {
            writer.Line("/// <summary>Stores keys (transposed) and values of the first of some positions, or of more; how many.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static int {one}Rows(float* keys, nint keyStride, float* values, nint valueStride, byte** pages, nint offset, int position, int rows, uint* codes)");
            writer.Line($"byte* block = pages[position / {CachePage.Positions}] + offset;");
            writer.Line($"int column = position % {CachePage.Positions};");
            if (block.Format.NumbersPerWord == 1)
            {
                writer.Open($"if (rows >= {RowGrain.CacheStore} && column <= {CachePage.Positions - RowGrain.CacheStore})");
                writer.Line($"{TransposeWriter.Require(set)}(keys, keyStride, {RowGrain.CacheStore}, {block.HeadDim}, (float*)block + column, {CachePage.Positions});");
                writer.Line($"float* to = (float*)(block + {block.ValuesOffsetBytes}) + (column * {block.HeadDim});");
                writer.Open($"for (float* end = to + {RowGrain.CacheStore * block.HeadDim}; to < end; to += {block.HeadDim})");
                WriteCopy(writer, set.Target, block, "values", "to");
                writer.Line("values += valueStride;").Close().Line();
                writer.Line($"return {RowGrain.CacheStore};").Close().Line();
            }

            writer.Line($"{one}(keys, values, block, column, codes);");
            writer.Line("return 1;").Close();
        });
    }

    private static void WriteCopy(SourceWriter writer, VectorTarget t, CacheBlock block, string from, string to)
    {
        writer.Open($"for (nint i = 0; i < {block.HeadDim}; i += {t.Lanes})");
        writer.Line(t.Store(t.Load($"{from} + i"), $"{to} + i"));
        writer.Close().Line();
    }

    private static void WritePlain(SourceWriter writer, VectorTarget t, CacheBlock block)
    {
        writer.Line("float* keys = (float*)block + column;");
        writer.Open($"for (nint i = 0; i < {block.HeadDim}; i++)");
        writer.Line($"keys[i * {CachePage.Positions}] = key[i];");
        writer.Close().Line();
        writer.Line($"float* values = (float*)(block + {block.ValuesOffsetBytes}) + (column * {block.HeadDim});");
        WriteCopy(writer, t, block, "value", "values");
    }

    private static void WriteCodes(SourceWriter writer, KernelSet set, CacheBlock block)
    {
        (int n, string code) = (block.Format.NumbersPerWord, block.Format.CodeType);
        string encode = Encode(set, block);
        string scales(int table) => block.Groups == 0 ? "" : $", (ushort*)(block + {block.ScalesOffsetBytes + (table * block.ScaleRows * CacheBlock.RowBytes)}) + (2 * column)";
        writer.Line($"{encode}(key, codes{scales(0)});");
        writer.Line($"{code}* keys = ({code}*)block + (column * {n});");
        writer.Open($"for (nint i = 0; i < {block.HeadDim}; i += {n})");
        for (int i = 0; i < n; i++)
        {
            writer.Line($"keys[(i * {CachePage.Positions}) + {i}] = unchecked(({code})codes[i + {i}]);");
        }

        writer.Close().Line();
        writer.Line($"{encode}(value, codes{scales(1)});");
        writer.Line($"{code}* values = ({code}*)(block + {block.ValuesOffsetBytes}) + (column / {n} * {n * block.HeadDim}) + (column % {n});");
        writer.Open($"for (nint i = 0; i < {block.HeadDim}; i++)");
        writer.Line($"values[i * {n}] = unchecked(({code})codes[i]);");
        writer.Close();
    }

    /// <summary>Requires <c>(x, codes[, scales])</c>.</summary>
    private static string Encode(KernelSet set, CacheBlock block)
        => set.Require(KernelFile.Kernels, $"Encode{block.HeadDim}{block.Format.Name.ToUpperInvariant()}", writer =>
        {
            writer.Line($"/// <summary>A head's numbers to codes of {block.Format.Name}, each in the low bits of a word{(block.Groups == 0 ? "" : ", with a scale for each group")}.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void Encode{block.HeadDim}{block.Format.Name.ToUpperInvariant()}(float* x, uint* codes{(block.Groups == 0 ? "" : ", ushort* scales")})");
            block.Format.WriteEncode(set, writer, block.HeadDim);
            writer.Close();
        });
}
