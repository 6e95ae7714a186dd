using System.Buffers.Binary;
using System.CommandLine;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Files;
using ModelCompiler.Runtime.Sampling;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary><c>modelc logits</c>: what the model says about each token of a sequence, for other programs to compare with.</summary>
internal static class LogitsCommand
{
    public static Command Create()
    {
        Argument<string> directory = Symbols.Model();
        Option<int[]?> tokens = TokenList.Option("The sequence.");
        tokens.Required = true;
        Option<string> output = Symbols.Output("File that receives float32, little-endian: [tokens x vocabulary], row by row.");
        Option<string> weights = Symbols.Weights();
        Option<string> cache = Symbols.Cache();
        Option<int?> threads = Symbols.Threads();
        Option<string?> isa = Symbols.Isa();
        Option<bool> verify = Symbols.Verify();
        Command command = new("logits", "Writes the logits of every token of a sequence.") { directory, tokens, output, weights, cache, threads, isa, verify };
        AppliedAdapterSymbols adapter = new();
        adapter.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                string path = Symbols.OutputFile(parsed.GetRequiredValue(output), parsed.GetRequiredValue(directory));
                using ProgressLine progress = new();
                using HostedModel hosted = new ModelHost(parsed.GetRequiredValue(directory), new(parsed.GetRequiredValue(weights), parsed.GetRequiredValue(cache)), progress.Begin, cancellation, adapter.Of(parsed))
                    .Load(Symbols.LoadOptions(parsed.GetValue(threads), parsed.GetValue(isa), parsed.GetValue(verify)));
                int[] sequence = parsed.GetValue(tokens)!;
                TokenList.Check(sequence, hosted.Model.Description);
                hosted.Explain(model =>
                {
                    using Session session = model.CreateSession();
                    WholeFile.Write(path, stream => Write(session.Forward(sequence, LogitsFor.All, cancellation), stream), followLinks: true);
                });
                return ExitCode.Success;
            },
            CancellationToken.None));
        return command;
    }

    private static void Write(Logits logits, Stream stream)
    {
        byte[] bytes = new byte[sizeof(float) * logits.Vocab];
        for (int row = 0; row < logits.Rows; row++)
        {
            ReadOnlySpan<float> numbers = logits[row];
            NotFiniteLogitsException.ThrowIfNot(numbers);
            for (int token = 0; token < numbers.Length; token++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(sizeof(float) * token), numbers[token]);
            }

            stream.Write(bytes);
        }
    }
}
