using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using StoryWorld.Writing;

namespace StoryWorld.Corpus;

/// <summary>
/// Documents as a trainer reads them: a document, then a line with <see cref="Separator"/>. A text belongs to training or is held out by its
/// hash alone: no document is ever on both sides, whatever the seeds and the numbers of documents.
/// </summary>
public static class CorpusFiles
{
    /// <summary>The line behind each document.</summary>
    public const string Separator = "<|endoftext|>";

    private const int HeldOutOf256 = 5;

    /// <summary>Writes documents 0, 1, 2 … of the writer's seed until as many as asked for are for training; those held out come between them.</summary>
    /// <param name="writer">Where documents come from.</param>
    /// <param name="documents">Documents for training.</param>
    /// <param name="output">Their file; null for standard output.</param>
    /// <param name="heldOut">File for the others, <see cref="GrammarEntropy"/> beside it; null where they are not wanted.</param>
    /// <param name="cancellation">Leaves the files that were there before.</param>
    public static void Write(DocumentWriter writer, int documents, string? output, string? heldOut, CancellationToken cancellation)
    {
        using NewFile? trainingFile = output is null ? null : new(output), heldOutFile = heldOut is null ? null : new(heldOut);
        TextWriter training = trainingFile?.Text ?? Console.Out;
        GrammarEntropy entropy = new();
        int written = 0;
        for (long number = 0; written < documents; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            Document document = writer.Write(number);
            if (!IsHeldOut(document.Text))
            {
                WriteDocument(training, document);
                written++;
            }
            else if (heldOutFile is not null)
            {
                WriteDocument(heldOutFile.Text, document);
                entropy.Add(document);
            }
        }

        trainingFile?.Commit();
        heldOutFile?.Commit();
        if (heldOut is not null)
        {
            using NewFile report = new(heldOut + ".entropy.json");
            report.Text.Write(JsonSerializer.Serialize(entropy.Report(), new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n");
            report.Commit();
        }
    }

    /// <summary>Two in a hundred texts.</summary>
    public static bool IsHeldOut(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text))[0] < HeldOutOf256;

    private static void WriteDocument(TextWriter file, Document document)
    {
        file.Write(document.Text);
        file.Write('\n');
        file.Write(Separator);
        file.Write('\n');
    }
}
