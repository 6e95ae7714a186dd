using System.Globalization;
using ModelCompiler.TorchCompare;

const string Usage = """
    torch-compare agree [THREADS]            ten updates of a small GPT-2 and a small Llama in both libraries: a table of differences
    torch-compare speed [THREADS] [ROUNDS]   whole updates of two models, in turns: tokens per second and peak memory
    """;

if (args is ["measure", var engine, var model, var sequences, var length, var vocab, var steps, var count, var memory])
{
    Speed.Measure(engine == "ours", model, Number(sequences), Number(length), Number(vocab), Number(steps), Number(count), long.Parse(memory, CultureInfo.InvariantCulture));
    return 0;
}

string temporary = Directory.CreateTempSubdirectory("torch-compare").FullName;
try
{
    int threads = args.Length > 1 ? Number(args[1]) : Environment.ProcessorCount;
    switch (args)
    {
        case ["agree", ..]:
            return Agreement.Run(threads, temporary) ? 0 : 1;
        case ["speed", ..]:
            Speed.Run(threads, args.Length > 2 ? Number(args[2]) : 3, temporary);
            return 0;
        default:
            Console.Error.WriteLine(Usage);
            return 2;
    }
}
finally
{
    Directory.Delete(temporary, recursive: true);
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
