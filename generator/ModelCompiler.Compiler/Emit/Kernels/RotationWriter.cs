using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Kernels;

/// <summary>The rotation of a head by its position, and back.</summary>
internal static class RotationWriter
{
    /// <summary>Requires <c>(head, turn)</c>: pair i is elements i and i + pairs; turn holds cosines, then, at the next multiple of 16, sines.</summary>
    public static string Require(KernelSet set, int pairs, bool back = false)
    {
        string name = $"Rotate{(back ? "Back" : "")}{pairs}";
        return set.Require(KernelFile.Kernels, name, writer =>
        {
            VectorTarget t = set.Target;
            int sines = ArenaPlanner.Pad(pairs);
            string first = back ? "b * sin" : "-(b * sin)", second = back ? "-(a * sin)" : "a * sin";
            writer.Line($"/// <summary>(a, b) ← {(back ? "(a·cos + b·sin, b·cos − a·sin)" : "(a·cos − b·sin, b·cos + a·sin)")} for {pairs} pairs, element i with i + {pairs}.</summary>");
            writer.Line("[MethodImpl(MethodImplOptions.AggressiveOptimization)]");
            writer.Open($"private static void {name}(float* head, float* turn)");
            if (pairs % t.Lanes == 0)
            {
                writer.Open($"for (nint i = 0; i < {pairs}; i += {t.Lanes})");
                writer.Line($"var cos = {t.Load("turn + i")};");
                writer.Line($"var sin = {t.Load($"turn + i + {sines}")};");
                writer.Line($"var a = {t.Load("head + i")};");
                writer.Line($"var b = {t.Load($"head + i + {pairs}")};");
                writer.Line(t.Store(t.Fma("a", "cos", first), "head + i"));
                writer.Line(t.Store(t.Fma("b", "cos", second), $"head + i + {pairs}"));
            }
            else
            {
                writer.Open($"for (nint i = 0; i < {pairs}; i++)");
                writer.Line($"float cos = turn[i], sin = turn[i + {sines}], a = head[i], b = head[i + {pairs}];");
                writer.Line($"head[i] = MathF.FusedMultiplyAdd(a, cos, {first});");
                writer.Line($"head[i + {pairs}] = MathF.FusedMultiplyAdd(b, cos, {second});");
            }

            writer.Close().Close();
        });
    }
}
