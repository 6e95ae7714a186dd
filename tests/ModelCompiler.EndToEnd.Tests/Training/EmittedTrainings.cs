using System.Collections.Concurrent;
using ModelCompiler.Tool.Synthesis;

[assembly: AssemblyFixture(typeof(ModelCompiler.EndToEnd.Tests.Training.EmittedTrainings))]

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>Training classes, each made when a test first asks for it and then shared by all tests of the run.</summary>
public sealed class EmittedTrainings
{
    private readonly ConcurrentDictionary<string, Lazy<EmittedTraining>> models = [];

    /// <summary>The small models: every family, tied and untied, heads of odd sizes, groups, windows, biases.</summary>
    public static IEnumerable<string> Names => SyntheticConfigs.Small.Keys;

    internal EmittedTraining Get(string name) => models.GetOrAdd(name, _ => new(() => new EmittedTraining(name, SyntheticConfigs.Small[name]))).Value;
}
