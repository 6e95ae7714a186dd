using System.Text.Json;
using ModelCompiler.Compare.Engines;
using ModelCompiler.Compare.Inputs;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.Compare.Results;

/// <summary>One turn of every engine at one pair, right after one another.</summary>
/// <param name="At">When it began.</param>
/// <param name="ByEngine">By the engine's name, in the order in which they ran.</param>
internal sealed record SpeedRound(DateTimeOffset At, Dictionary<string, Measured> ByEngine);

/// <summary>All rounds of a pair.</summary>
internal sealed record SpeedResult(SpeedPair Pair, List<SpeedRound> Rounds);

/// <summary>All starts of a pair, ours and theirs in turns, and the memory of one further run each, which is watched instead of timed.</summary>
internal sealed record StartResult(StartPair Pair, List<double> OurSeconds, List<double> TheirSeconds, long OurResidentBytes, long TheirResidentBytes);

/// <summary>Everything that was measured; what the JSON file holds, and all that tables are made from.</summary>
/// <param name="Version">Of what is counted in rates: <see cref="Counted"/>, or less in an older file.</param>
/// <param name="Machine">Where.</param>
/// <param name="Threads">Of every engine.</param>
/// <param name="Command">As a person would type it.</param>
/// <param name="Begun">When.</param>
/// <param name="Speeds">A result for each pair.</param>
/// <param name="Starts">Likewise.</param>
internal sealed record Comparison(int Version, Machine Machine, int Threads, string Command, DateTimeOffset Begun, List<SpeedResult> Speeds, List<StartResult> Starts)
{
    /// <summary>Rates count attention, the head, and keys and values. In files without a version they did not.</summary>
    public const int Counted = 2;

    private static readonly JsonSerializerOptions Options = new(Output.Json) { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <exception cref="CompareException">The file cannot be read, or was measured elsewhere.</exception>
    public static Comparison Read(string path, Machine machine, int threads)
    {
        try
        {
            Comparison found = JsonSerializer.Deserialize<Comparison>(File.ReadAllText(path), Options) ?? throw new JsonException("found null");
            if (found.Version != Counted)
            {
                throw new CompareException($"{path}: found rounds of version {found.Version}, whose rates count other work, expected version {Counted}. Give another --output, or leave --add out.");
            }

            return found.Machine == machine && found.Threads == threads
                ? found
                : throw new CompareException($"{path}: found rounds from {found.Machine} with {found.Threads} threads, expected {machine} with {threads}. Give another --output, or leave --add out.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CompareException($"{path}: found what cannot be added to ({fault.Message.ReplaceLineEndings(" ")}), expected a file that compare wrote.");
        }
    }

    /// <summary>Writes it beside, then renames.</summary>
    public void Write(string path) => WholeFile.Write(path, JsonSerializer.Serialize(this, Options) + "\n", followLinks: true);

    /// <summary>The result of a pair, which may still be empty.</summary>
    public SpeedResult Of(SpeedPair pair)
    {
        SpeedResult? found = Speeds.FirstOrDefault(result => result.Pair == pair);
        if (found is null)
        {
            Speeds.Add(found = new(pair, []));
        }

        return found;
    }
}
