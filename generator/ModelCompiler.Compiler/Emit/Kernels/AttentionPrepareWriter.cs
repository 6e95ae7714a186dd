using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>Before attention: per-head norm and rotation of a key/value head and its queries, and their place in the cache.</summary>
internal static class AttentionPrepareWriter
{
    /// <summary>Requires <c>(w, queries, key, value, pages, position, offset[, gains])</c>; offset: of the head's block in a page, in bytes.</summary>
    public static string Require(KernelSet set, AttentionKernel a, string gainParameters)
        => set.Require(KernelFile.Kernels, a.Name + "Prepare", writer =>
        {
            writer.Line($"/// <summary>Prepares {a.Group} quer{(a.Group == 1 ? "y" : "ies")} and the key of one head in place, then stores key (transposed) and value in the cache.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {a.Name}Prepare(Worker w, float* queries, float* key, float* value, byte** pages, int position, nint offset{gainParameters})");
            if (a.RopeTable is { } table)
            {
                writer.Line($"float* turn = w.Rope({table}, position);");
            }

            string queryStep = Norm(set, a, a.QueryNorm, "query", "queryGain") + Rotate(set, a, "query");
            if (queryStep.Length > 0)
            {
                writer.Open($"for (float* query = queries; query < queries + {a.Group * a.PaddedHeadDim}; query += {a.PaddedHeadDim})");
                writer.Line(queryStep.TrimEnd('\n'));
                writer.Close().Line();
                writer.Line((Norm(set, a, a.KeyNorm, "key", "keyGain") + Rotate(set, a, "key")).TrimEnd('\n'));
            }

            writer.Line($"{CacheStoreWriter.Require(set, a.Block)}(key, value, pages[position / 64] + offset, position % 64, (uint*)(w.Local + {a.Scratch.Scores}));");
            writer.Close();
        });

    private static string Norm(KernelSet set, AttentionKernel a, HeadNormPlan? norm, string head, string gain)
        => norm is null
            ? ""
            : $"{NormWriter.Row(set, NormKind.Rms, a.HeadDim, a.PaddedHeadDim, norm.Epsilon, norm.HasWeight, false)}({head}, {head}{(norm.HasWeight ? $", {gain}" : "")});\n";

    private static string Rotate(KernelSet set, AttentionKernel a, string head)
        => a.RopeTable is null ? "" : $"{RotationWriter.Require(set, a.RotatedPairs)}({head}, turn);\n";
}
