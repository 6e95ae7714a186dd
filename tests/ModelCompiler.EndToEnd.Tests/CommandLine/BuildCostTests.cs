using System.Globalization;
using ModelCompiler.Tests;

namespace ModelCompiler.EndToEnd.Tests.CommandLine;

/// <summary>bench/ModelCompiler.BuildCost as a process: every stage runs, and has a cost.</summary>
public sealed class BuildCostTests
{
    [Fact]
    public void EveryStageIsMeasured()
    {
        string program = Path.Combine(SharedData.RepositoryRoot, "bench", "ModelCompiler.BuildCost", "bin", ChildProcess.Configuration, "net10.0", "build-cost.dll");
        Finished measured = ChildProcess.Dotnet(SharedData.RepositoryRoot, program, "--only", "gpt2-2", "--weights", "f32").Expect(0);
        string row = Assert.Single(measured.Output.Split('\n'), line => line.StartsWith("| gpt2-2 | 2 × 768 |", StringComparison.Ordinal));
        double[] numbers = [.. row.Split('|', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[2..].Select(cell => double.Parse(cell, CultureInfo.InvariantCulture))];
        Assert.Equal(10, numbers.Length);
        Assert.All(OperatingSystem.IsLinux() ? numbers : numbers.Where(number => number != 0), number => Assert.True(number > 0, row));
    }
}
