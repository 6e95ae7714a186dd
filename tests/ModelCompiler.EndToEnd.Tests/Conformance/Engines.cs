using System.Runtime.InteropServices;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>The instruction sets of this kind of processor. Where this very one lacks one of them, its tests are skipped and say so.</summary>
internal static class Engines
{
    public static IReadOnlyList<InstructionSet> All { get; } = RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => [InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Portable],
        Architecture.Arm64 => [InstructionSet.Neon, InstructionSet.Portable],
        _ => [InstructionSet.Portable],
    };

    /// <summary>Those that this very processor has, best first.</summary>
    public static IReadOnlyList<InstructionSet> Supported { get; } = [.. All.Where(InstructionSets.IsSupported)];

    /// <summary>The best that this processor has: what everything else is compared with.</summary>
    public static InstructionSet Best => Supported[0];

    public static void Require(InstructionSet instructionSet)
        => Assert.SkipUnless(InstructionSets.IsSupported(instructionSet), $"This processor has no {InstructionSets.Name(instructionSet)}.");
}
