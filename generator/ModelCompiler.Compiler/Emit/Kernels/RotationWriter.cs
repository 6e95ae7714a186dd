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
                writer.Line($"{vector}.Store({fma("a", "cos", first)}, head + i);");
                writer.Line($"{vector}.Store({fma("b", "cos", second)}, head + i + {pairs});");
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
