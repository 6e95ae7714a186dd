using System.Text.Json;
using ModelCompiler.EndToEnd.Tests.CommandLine;

namespace ModelCompiler.EndToEnd.Tests.Onnx.Devices;

/// <summary>
/// A provider for GPUs truly exercised: every family held to the emitted code, with keys and values in the device's memory, and nothing computed on the CPU that need not be.
/// Only on request, where there is such a device and ONNX Runtime's library for it: an environment variable names that library, and the tests are there while it does.
/// </summary>
/// <param name="output">Where the figures go.</param>
/// <param name="provider">As <c>--provider</c> has it.</param>
/// <param name="library">The variable that names the library.</param>
/// <param name="hasAttention">It computes the standard's Attention itself.</param>
public abstract class DeviceTests(ITestOutputHelper output, string provider, string library, bool hasAttention) : IDisposable
{
    private readonly CommandLine.TemporaryFolder folder = new();

    public void Dispose()
    {
        folder.Dispose();
        GC.SuppressFinalize(this);
    }

    public static TheoryData<string> Families => ["llama-head20", "llama-llama3", "mistral-window8", "qwen2-biased", "qwen3-head24", "gpt2-tied"];

    public static TheoryData<string, string, string> Cases =>
    [
        .. from family in Families.Select(row => row.Data) from weights in (string[])["f32", "q4"] select (family, weights, "gpu"),
        ("gpt2-tied", "f16", "gpu"), ("llama-llama3", "bf16", "gpu"), ("qwen2-biased", "q8", "gpu"), ("mistral-window8", "f32", "standard"), ("qwen2-biased", "f32", "standard"), ("qwen3-head24", "f32", "decomposed"),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryFamilyAgrees(string family, string weights, string operators) => Agrees(family, weights, operators);

    /// <summary>Emitted code and device agree; with the operators that the device is given it computes all of the model.</summary>
    protected void Agrees(string family, string weights, string operators, string activations = "f32")
    {
        string model = folder.Synthesise("model", family);
        Finished run = OnDevice(
            "verify", model, "--weights", weights, "--operators", operators, "--activations", activations, "--prompts", "1", "--length", "24", "--max-tokens", "0",
            "--onnx-profile", folder["profile"], "--json");
        output.WriteLine($"{family} {weights} {operators}: exit code {run.ExitCode}\n{run.Output}\n{run.Error}");
        using JsonDocument document = JsonDocument.Parse(run.Expect(0).Output);
        Assert.True(document.RootElement.GetProperty("agrees").GetBoolean());
        string[] onTheCpu = OperatorsOfTheCpu(Assert.Single(Directory.GetFiles(folder.Root, "profile_*.json")));
        output.WriteLine(string.Join(' ', onTheCpu));
        Assert.Equal(operators == "standard" && !hasAttention, onTheCpu.Contains("Attention"));
        if (operators == "gpu" || hasAttention)
        {
            Assert.Empty(onTheCpu.Except(ForTheCpu));
        }
    }

    /// <summary>Sizes, the mask of which token sees which, and a row of a token table in integers: once in a run, however many layers.</summary>
    private static string[] ForTheCpu => ["Shape", "Gather", "Unsqueeze", "Concat", "Add", "Sub", "Neg", "Range", "LessOrEqual", "Greater", "And", RowOfIntegers];

    private const string RowOfIntegers = "row of a table";

    /// <summary>Keys and values in the device's memory, prompt and decode; and prompts there, decoding here.</summary>
    [Theory]
    [MemberData(nameof(Families))]
    public void TextIsThatOfTheEmittedCode(string family)
    {
        string model = folder.Synthesise("model", family);
        string[] run = ["run", model, "--tokens", "5,9,30,11,60,2,7", "--temperature", "0", "--max-tokens", "20", "--ignore-end", "--json"];
        string expected = Tokens(ChildProcess.Modelc(run));
        Assert.Equal(expected, Tokens(OnDevice(run)));
        Assert.Equal(expected, Tokens(OnDevice([.. run, "--offload", "prompts"])));
    }

    private static string[] OperatorsOfTheCpu(string profile)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(profile));
        return [.. document.RootElement.EnumerateArray()
            .Where(entry => entry.TryGetProperty("args", out JsonElement of) && of.TryGetProperty("provider", out JsonElement provider) && provider.GetString() == "CPUExecutionProvider")
            .Select(entry => IsOfARow(entry.GetProperty("name").GetString()!) ? RowOfIntegers : entry.GetProperty("args").GetProperty("op_name").GetString()!)
            .Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>Integers of a token's vector to numbers, and their product with its scales, as the export names these nodes.</summary>
    private static bool IsOfARow(string node) => node.Contains(".numbers/Cast", StringComparison.Ordinal) || node.Contains(".dequantised/Mul", StringComparison.Ordinal);

    private static string Tokens(Finished run)
    {
        using JsonDocument document = JsonDocument.Parse(run.Expect(0).Output);
        return document.RootElement.GetProperty("tokens").ToString();
    }

    private Finished OnDevice(params string[] arguments)
    {
        string file = Environment.GetEnvironmentVariable(library) ?? throw new InvalidOperationException($"{library}: found nothing, expected the file of ONNX Runtime's native library that has the provider '{provider}'.");
        return ChildProcess.Modelc([.. arguments, "--provider", provider, "--library", file]);
    }
}
