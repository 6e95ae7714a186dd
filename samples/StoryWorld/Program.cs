// Writes the text that the project's model is trained on, from the grammar in World/*.txt.
using System.CommandLine;
using System.Text;
using StoryWorld.Corpus;
using StoryWorld.Grammar;
using StoryWorld.Writing;

Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
Option<int> documents = new("--documents", "-n") { Description = "Documents to write.", HelpName = "N", DefaultValueFactory = _ => 10 };
Option<ulong> seed = new("--seed") { Description = "The same seed gives the same bytes on every machine.", HelpName = "S", DefaultValueFactory = _ => 1 };
Option<string?> output = new("--output", "-o") { Description = "File to write. [default: standard output]", HelpName = "FILE" };
Option<string?> heldOut = new("--held-out") { Description = "File for documents that are kept out of training, about one to 49; their entropy is written beside it, as FILE.entropy.json.", HelpName = "FILE" };
RootCommand command = new("Writes small stories and facts in English and Chinese from a grammar.") { documents, seed, output, heldOut };
documents.Validators.Add(result =>
{
    if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int count) && count < 1)
    {
        result.AddError($"--documents: found {count}, expected at least 1.");
    }
});
command.SetAction((parsed, cancellation) => Task.Run(
    () =>
    {
        DocumentWriter writer = new(WorldReader.ReadEmbedded(), parsed.GetValue(seed));
        CorpusFiles.Write(writer, parsed.GetValue(documents), parsed.GetValue(output), parsed.GetValue(heldOut), cancellation);
        return 0;
    },
    CancellationToken.None));

try
{
    ParseResult parsed = command.Parse(args);
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (OperationCanceledException)
{
    return 130;
}
catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or WorldException)
{
    Console.Error.WriteLine($"StoryWorld: error: {fault.Message}");
    return 1;
}
