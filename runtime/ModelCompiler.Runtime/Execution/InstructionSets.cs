using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ModelCompiler.Runtime.Execution;

/// <summary>Which instruction sets this processor has, and which one a model runs with.</summary>
public static class InstructionSets
{
    /// <summary>Environment variable that forces one: <c>avx512</c>, <c>avx2</c>, <c>neon</c> or <c>portable</c>.</summary>
    public const string EnvironmentVariable = "MODELCOMPILER_ISA";

    /// <summary>
    /// True when code for <paramref name="instructionSet"/> runs here. With NativeAOT each test is a constant that publishing decides
    /// (IlcInstructionSet), whatever the processor has.
    /// </summary>
    public static bool IsSupported(InstructionSet instructionSet) => instructionSet switch
    {
        InstructionSet.Avx512 => Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported,
        InstructionSet.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        InstructionSet.Neon => AdvSimd.Arm64.IsSupported,
        _ => instructionSet == InstructionSet.Portable,
    };

    /// <summary>Its name in options and messages.</summary>
    public static string Name(InstructionSet instructionSet) => instructionSet switch
    {
        InstructionSet.Avx512 => "avx512",
        InstructionSet.Avx2 => "avx2",
        InstructionSet.Neon => "neon",
        InstructionSet.Portable => "portable",
        _ => throw new ArgumentOutOfRangeException(nameof(instructionSet), instructionSet, "Not an instruction set."),
    };

    /// <summary>Reads a name; case does not matter.</summary>
    public static bool TryParse(string name, out InstructionSet instructionSet)
    {
        foreach (InstructionSet candidate in (ReadOnlySpan<InstructionSet>)[InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Neon, InstructionSet.Portable])
        {
            if (string.Equals(name, Name(candidate), StringComparison.OrdinalIgnoreCase))
            {
                instructionSet = candidate;
                return true;
            }
        }

        instructionSet = default;
        return false;
    }

    /// <summary>The one asked for in code, else by the environment variable, else the best that model and processor both have.</summary>
    /// <param name="emitted">What the model has code for, best first.</param>
    /// <param name="asked">From <see cref="LoadOptions.InstructionSet"/>.</param>
    /// <param name="environment">Value of <see cref="EnvironmentVariable"/>; empty counts as absent.</param>
    /// <exception cref="PlatformNotSupportedException">The one asked for, or all that the model has, is not supported here.</exception>
    /// <exception cref="FormatException">The environment variable names none.</exception>
    internal static InstructionSet Choose(IReadOnlyList<InstructionSet> emitted, InstructionSet? asked, string? environment)
    {
        string usable = string.Join(", ", emitted.Where(IsSupported).Select(Name));
        if (asked is null && !string.IsNullOrEmpty(environment))
        {
            asked = TryParse(environment, out InstructionSet parsed)
                ? parsed
                : throw new FormatException($"{EnvironmentVariable} is '{environment}', which is no instruction set. This model runs here with: {usable}.");
        }

        if (asked is not { } wanted)
        {
            return usable.Length > 0
                ? emitted.First(IsSupported)
                : throw new PlatformNotSupportedException($"This processor runs none of the instruction sets that the model was compiled for: {string.Join(", ", emitted.Select(Name))}.");
        }

        return emitted.Contains(wanted) && IsSupported(wanted)
            ? wanted
            : throw new PlatformNotSupportedException($"Instruction set {Name(wanted)} was asked for, but {(emitted.Contains(wanted) ? "this processor (or the published program) does not have it" : "the model was not compiled for it")}. This model runs here with: {usable}.");
    }
}
