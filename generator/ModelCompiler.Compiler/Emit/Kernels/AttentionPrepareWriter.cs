using ModelCompiler.Compiler.Emit.Targets;
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
        => a.RopeTable is null ? "" : $"{Rotation(set, a.RotatedPairs)}({head}, turn);\n";

    /// <summary>Requires <c>(head, turn)</c>: pair i is elements i and i + pairs; turn holds cosines, then, at the next multiple of 16, sines.</summary>
    private static string Rotation(KernelSet set, int pairs) => set.Require(KernelFile.Kernels, $"Rotate{pairs}", writer =>
    {
        VectorTarget t = set.Target;
        int sines = ArenaPlanner.Pad(pairs);
        writer.Line($"/// <summary>(a, b) ← (a·cos − b·sin, b·cos + a·sin) for {pairs} pairs, element i with i + {pairs}.</summary>");
        writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
        writer.Open($"private static void Rotate{pairs}(float* head, float* turn)");
        int lanes = t.Lanes;
        while (lanes >= 4 && pairs % lanes != 0)
        {
            lanes /= 2; // a narrower register; heads of 48 have 24 pairs
        }

        if (lanes >= 4)
        {
            string vector = "Vector" + (lanes * 32);
            string fma(string a, string b, string c) => lanes == t.Lanes ? t.Fma(a, b, c) : $"{vector}.FusedMultiplyAdd({a}, {b}, {c})";
            writer.Open($"for (nint i = 0; i < {pairs}; i += {lanes})");
            writer.Line($"var cos = {vector}.Load(turn + i);");
            writer.Line($"var sin = {vector}.Load(turn + i + {sines});");
            writer.Line($"var a = {vector}.Load(head + i);");
            writer.Line($"var b = {vector}.Load(head + i + {pairs});");
            writer.Line($"{vector}.Store({fma("a", "cos", "-(b * sin)")}, head + i);");
            writer.Line($"{vector}.Store({fma("b", "cos", "a * sin")}, head + i + {pairs});");
        }
        else
        {
            writer.Open($"for (nint i = 0; i < {pairs}; i++)");
            writer.Line($"float cos = turn[i], sin = turn[i + {sines}], a = head[i], b = head[i + {pairs}];");
            writer.Line("head[i] = MathF.FusedMultiplyAdd(a, cos, -(b * sin));");
            writer.Line($"head[i + {pairs}] = MathF.FusedMultiplyAdd(b, cos, a * sin);");
        }

        writer.Close().Close();
    });
}
