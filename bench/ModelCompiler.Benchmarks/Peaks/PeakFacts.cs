using System.Reflection;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Running;
using ModelCompiler.Tool.Measurement;

namespace ModelCompiler.Benchmarks.Peaks;

/// <summary>
/// What one run of a benchmark works off, and what the machine could do at most, measured in the same process right after. Written to a file, because
/// a benchmark may run in another process than that which makes the table.
/// </summary>
/// <param name="Work">Operations or bytes of one run.</param>
/// <param name="Unit">Which.</param>
/// <param name="PeakPerSecond">Of the same unit.</param>
/// <param name="OfCache">Whether the peak is that of the last-level cache.</param>
internal sealed record PeakFacts(double Work, string Unit, double PeakPerSecond, bool OfCache)
{
    /// <summary>Multiplications and additions of float32.</summary>
    public const string Flops = "GFLOP/s";

    /// <summary>Bytes.</summary>
    public const string Bytes = "GB/s";

    private const int Samples = 3;

    private static string Folder => Path.Combine(BenchmarkModels.Root, "facts");

    /// <summary>Measures the machine.</summary>
    public static PeakFacts Measure(int threads, double work, string unit, bool fitsCache)
    {
        using PeakMeter meter = new(threads);
        for (int i = 0; i < Samples; i++)
        {
            meter.Sample(CancellationToken.None);
        }

        bool ofCache = unit == Bytes && fitsCache && meter.Peaks.CacheReadBytesPerSecond > 0;
        return new(work, unit, unit == Flops ? meter.Peaks.FlopsPerSecond : ofCache ? meter.Peaks.CacheReadBytesPerSecond : meter.Peaks.ReadBytesPerSecond, ofCache);
    }

    /// <summary>Keeps them for the case that an instance of a benchmark class stands for.</summary>
    public void Save(object benchmark)
    {
        IEnumerable<(string Name, object? Value)> parameters = benchmark.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.IsDefined(typeof(ParamsAttribute)) || property.IsDefined(typeof(ParamsSourceAttribute)))
            .Select(property => (property.Name, property.GetValue(benchmark)));
        Directory.CreateDirectory(Folder);
        File.WriteAllText(PathOf(DeclaredType(benchmark.GetType()), parameters), JsonSerializer.Serialize(this));
    }

    /// <summary>Those of a case; null: it did not get so far.</summary>
    public static PeakFacts? Find(BenchmarkCase benchmark)
    {
        string path = PathOf(benchmark.Descriptor.Type, benchmark.Parameters.Items.Select(item => (item.Name, (object?)item.Value)));
        return File.Exists(path) ? JsonSerializer.Deserialize<PeakFacts>(File.ReadAllText(path)) : null;
    }

    /// <summary>What runs is a class derived from the one that was written.</summary>
    private static Type DeclaredType(Type type) => type.Assembly == typeof(PeakFacts).Assembly ? type : DeclaredType(type.BaseType!);

    private static string PathOf(Type type, IEnumerable<(string Name, object? Value)> parameters)
        => Path.Combine(Folder, $"{type.Name} {string.Join(' ', parameters.OrderBy(parameter => parameter.Name, StringComparer.Ordinal).Select(parameter => $"{parameter.Name}={parameter.Value}"))}.json".Replace('/', '_'));
}
