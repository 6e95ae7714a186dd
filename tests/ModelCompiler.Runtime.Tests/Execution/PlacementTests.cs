using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Tests.Execution;

public sealed class PlacementTests
{
    /// <summary>The system may put it back at once, but hardly twenty times.</summary>
    [Fact]
    public void AThreadLeavesAProcessorWhereItMayUseAnother()
    {
        if (!OperatingSystem.IsLinux() || Environment.ProcessorCount == 1)
        {
            return;
        }

        Assert.Contains(Enumerable.Range(0, 20), _ =>
        {
            int before = Placement.Processor();
            Placement.Leave(before);
            return Placement.Processor() != before;
        });
    }

    [Fact]
    public void WorkersMayRunWhereTheirStarterMay()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        string[] allowed = new string[4];
        using WorkerPool pool = new(allowed.Length, "model");
        pool.Run(allowed.Length, worker => allowed[worker.Index] = File.ReadLines("/proc/thread-self/status").First(line => line.StartsWith("Cpus_allowed:", StringComparison.Ordinal)));
        Assert.All(allowed, mask => Assert.Equal(allowed[0], mask));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(int.MaxValue)]
    public void WhereItIsNotNothingHappens(int processor) => Placement.Leave(processor);
}
