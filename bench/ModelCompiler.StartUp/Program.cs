using System.Diagnostics;
using System.Globalization;
using ModelCompiler.Runtime.Sessions;

// ModelCompiler.StartUp [PROMPT]            prints one token and ends
// ModelCompiler.StartUp --times             and where its milliseconds went
// ModelCompiler.StartUp --memory 512 128    reads and decodes so many tokens, and prints the peak of its memory (Linux)
// ModelCompiler.StartUp --speed 512 128     and prints how fast: the same program published with NativeAOT, or built for the JIT
long begun = Stopwatch.GetTimestamp();
using StartUpModel model = StartUpModel.Load();
TimeSpan loaded = Stopwatch.GetElapsedTime(begun);
if (args is ["--memory", string prompt, string decode])
{
    ReadAndDecode(int.Parse(prompt, CultureInfo.InvariantCulture), int.Parse(decode, CultureInfo.InvariantCulture));
    return;
}

if (args is ["--speed", string read, string decoded])
{
    MeasureSpeed(int.Parse(read, CultureInfo.InvariantCulture), int.Parse(decoded, CultureInfo.InvariantCulture));
    return;
}

WriteFirstToken(args is [] or ["--times"] ? "Once upon a time" : args[0]);
if (args is ["--times"])
{
    TimeSpan written = Stopwatch.GetElapsedTime(begun);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"from Main: loaded after {loaded.TotalMilliseconds:F2} ms, first token after {written.TotalMilliseconds:F2} ms"));
}

void WriteFirstToken(string text)
{
    ModelCompiler.Runtime.Generation.GenerationOptions one = new() { Temperature = 0, MaxTokens = 1 };
    if (model.Tokenizer is null)
    {
        foreach (int token in model.GenerateTokens([0], one))
        {
            Console.WriteLine(token);
        }

        return;
    }

    foreach (string piece in model.Generate(text, one))
    {
        Console.WriteLine(piece);
    }
}

// Peak memory against what must be there: packed weights, and the cache of one sequence.
void ReadAndDecode(int promptLength, int decodeLength)
{
    using Session session = model.CreateSession();
    session.Forward([.. Enumerable.Range(0, promptLength).Select(i => (i * 7919) % model.Description.Vocab)]);
    for (int i = 0; i < decodeLength; i++)
    {
        session.Forward([i % model.Description.Vocab]);
    }

    const double MiB = 1 << 20;
    double peak = 1024.0 * long.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture);
    double needed = model.Description.WeightsLengthBytes + session.CacheBytes;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{model.Threads} threads: peak {peak / MiB:F1} MiB, of it weights {model.Description.WeightsLengthBytes / MiB:F1}, cache {session.CacheBytes / MiB:F1}, everything else {(peak - needed) / MiB:F1}"));
}

// As modelc bench has it: medians of some repeats after one that warms up, without sampling.
void MeasureSpeed(int promptLength, int decodeLength)
{
    const int Repeats = 7;
    using Session session = model.CreateSession();
    int[] tokens = [.. Enumerable.Range(0, promptLength).Select(i => (i * 7919) % model.Description.Vocab)];
    double[] prompts = new double[Repeats + 1], decodes = new double[Repeats + 1];
    for (int repeat = 0; repeat <= Repeats; repeat++)
    {
        session.Rewind(0);
        long start = Stopwatch.GetTimestamp();
        session.Forward(tokens);
        prompts[repeat] = promptLength / Stopwatch.GetElapsedTime(start).TotalSeconds;
        session.Rewind(0);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < decodeLength; i++)
        {
            session.Forward([i % model.Description.Vocab]);
        }

        decodes[repeat] = decodeLength / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    string compiler = AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") is null ? "NativeAOT" : "JIT"; // RuntimeFeature says what the project publishes as
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{compiler}, {model.InstructionSet}, {model.Threads} threads: prompt {prompts.Skip(1).Order().ElementAt(Repeats / 2):F0}, decode {decodes.Skip(1).Order().ElementAt(Repeats / 2):F1} tokens/s"));
}

/// <summary>The model that the project was given.</summary>
[ModelCompiler.CompiledModel("model")]
internal sealed partial class StartUpModel;
