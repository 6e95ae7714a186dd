using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Tool.Hosting;

/// <summary>Which instruction set hosted code is emitted for.</summary>
internal static class HostInstructionSet
{
    private static readonly InstructionSet[] Here = [.. Enum.GetValues<InstructionSet>().Where(InstructionSets.IsSupported)];

    /// <summary>As the emitted class itself will choose: the one asked for, the environment's, or the best here.</summary>
    /// <exception cref="PlatformNotSupportedException">This processor does not have it.</exception>
    public static InstructionSet Choose(InstructionSet? asked)
    {
        InstructionSet chosen = asked ?? (InstructionSets.TryParse(Environment.GetEnvironmentVariable(InstructionSets.EnvironmentVariable) ?? "", out InstructionSet forced)
            ? forced
            : Here.Max()); // declared from the slowest to the fastest
        return InstructionSets.IsSupported(chosen)
            ? chosen
            : throw new PlatformNotSupportedException(
                $"instruction set: found {InstructionSets.Name(chosen)}, which this processor does not have, expected one that it has: {string.Join(", ", Here.Select(InstructionSets.Name))}.");
    }
}
