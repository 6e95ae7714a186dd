// Writes the text that the project's model is trained on, from the grammar in World/*.txt.
using System.CommandLine;
using System.Text;
using ModelCompiler.Tool.Commands;
using StoryWorld.Corpus;
using StoryWorld.Grammar;
using StoryWorld.Writing;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
Option<int> documents = Numbers.Whole(new Option<int>("--documents", "-n") { Description = "Documents to write.", HelpName = "N", DefaultValueFactory = _ => 10 }, 1, int.MaxValue);
Option<ulong> seed = Numbers.Whole(new Option<ulong>("--seed") { Description = "The same seed gives the same bytes on every machine.", HelpName = "S", DefaultValueFactory = _ => 1 }, 0UL, ulong.MaxValue);
Option<string?> output = new("--output", "-o") { Description = "File to write. [default: standard output]", HelpName = "FILE" };
Option<string?> heldOut = new("--held-out") { Description = "File for documents that are kept out of training, about one to 49; their entropy is written beside it, as FILE.entropy.json.", HelpName = "FILE" };
RootCommand command = new("Writes small stories and facts in English and Chinese from a grammar.") { documents, seed, output, heldOut };
command.SetAction((parsed, cancellation) => Task.Run(
    () =>
    {
        DocumentWriter writer = new(WorldReader.ReadEmbedded(), parsed.GetValue(seed));
        CorpusFiles.Write(writer, parsed.GetValue(documents), parsed.GetValue(output), parsed.GetValue(heldOut), cancellation);
        return 0;
    },
    CancellationToken.None));

return await Invocation.RunAsync(command, args);
