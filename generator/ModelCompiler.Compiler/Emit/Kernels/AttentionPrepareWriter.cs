using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>Before attention: per-head norm and rotation of a key/value head and its queries, in place.</summary>
internal static class AttentionPrepareWriter
{
    /// <summary>Requires <c>(w, queries, key, position[, gains])</c>; null where queries and keys attend as they are.</summary>
    public static string? Require(KernelSet set, AttentionKernel a, string gainParameters)
    {
        string queryStep = Norm(set, a, a.QueryNorm, "query", "queryGain") + Rotate(set, a, "query");
        string keyStep = Norm(set, a, a.KeyNorm, "key", "keyGain") + Rotate(set, a, "key");
        return queryStep.Length + keyStep.Length == 0 ? null : set.Require(KernelFile.Kernels, a.Name + "Prepare", writer =>
        {
            writer.Line($"/// <summary>Prepares {a.Group} quer{(a.Group == 1 ? "y" : "ies")} and the key of one head in place.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {a.Name}Prepare(Worker w, float* queries, float* key, int position{gainParameters})");
            if (a.RopeTable is { } table)
            {
                writer.Line($"float* turn = w.Rope({table}, position);");
            }

            if (queryStep.Length > 0)
            {
                writer.Open($"for (float* query = queries; query < queries + {a.Group * a.PaddedHeadDim}; query += {a.PaddedHeadDim})");
                writer.Line(queryStep.TrimEnd('\n'));
                writer.Close().Line();
            }

            writer.Line(keyStep.TrimEnd('\n'));
            writer.Close();
        });
    }

    private static string Norm(KernelSet set, AttentionKernel a, HeadNormPlan? norm, string head, string gain)
        => norm is null
            ? ""
            : $"{NormWriter.Row(set, NormKind.Rms, a.HeadDim, a.PaddedHeadDim, norm.Epsilon, norm.HasWeight, false)}({head}, {head}{(norm.HasWeight ? $", {gain}" : "")});\n";

    private static string Rotate(KernelSet set, AttentionKernel a, string head)
        => a.RopeTable is null ? "" : $"{RotationWriter.Require(set, a.RotatedPairs)}({head}, turn);\n";
}
