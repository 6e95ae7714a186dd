using ModelCompiler.Compiler.Passes.Training;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Tool.Training;

/// <summary>What <c>modelc train</c> was asked to do.</summary>
/// <param name="Source">config.json of a model to be trained from scratch, or the folder of one to be trained further.</param>
/// <param name="FromScratch">Which of the two.</param>
/// <param name="Texts">Files to learn from.</param>
/// <param name="ValidationTexts">Files that are only looked at; empty: a part of the texts is held out.</param>
/// <param name="Split">Where documents end.</param>
/// <param name="JsonFields">Fields of JSON objects that are text.</param>
/// <param name="HoldOut">Part of the documents that is held out.</param>
/// <param name="Tokenizer">As <see cref="TokenizerChoice.Of"/> takes it; null: the folder's, or byte-level pairs.</param>
/// <param name="Vocabulary">Most tokens of a byte-pair tokenizer that is made.</param>
/// <param name="Options">Steps, batch and the rest.</param>
/// <param name="MemoryBytes">Most memory for activations; null: as much as keeping all takes.</param>
/// <param name="Loading">Threads and instruction set.</param>
/// <param name="Output">Folder that receives the model.</param>
/// <param name="Half">Weights are written in bfloat16 instead of float32.</param>
/// <param name="Prompt">What samples go on from; null: nothing was said.</param>
/// <param name="Adapters">Adapters of a model of a family, which are trained while the model is frozen; null: the model itself is trained.</param>
/// <param name="Weights">Formats that the frozen model is packed in.</param>
/// <param name="KeepBest">What is written is the model behind the step whose look at the held-out text went best, and not the one behind the last.</param>
internal sealed record TrainingRequest(
    string Source, bool FromScratch, IReadOnlyList<string> Texts, IReadOnlyList<string> ValidationTexts, DocumentSplit Split, IReadOnlyList<string> JsonFields,
    double HoldOut, string? Tokenizer, int Vocabulary, TrainerOptions Options, long? MemoryBytes, TrainingLoadOptions Loading, string Output, bool Half, string? Prompt,
    Func<string, AdapterOptions>? Adapters = null, string Weights = "f32", bool KeepBest = true)
{
    /// <summary>Reads the texts.</summary>
    /// <exception cref="TrainingTextException">A text has no documents.</exception>
    public TrainingText ReadTexts(CancellationToken cancellation)
    {
        IReadOnlyList<string> documents = Read(Texts, cancellation);
        return new(Texts, documents, ValidationTexts.Count == 0 ? null : Read(ValidationTexts, cancellation), HoldOut);
    }

    private IReadOnlyList<string> Read(IReadOnlyList<string> paths, CancellationToken cancellation)
    {
        List<string> documents = [.. paths.SelectMany(path => TextDocuments.Read(path, Split, JsonFields, cancellation))];
        return documents.Count > 0
            ? documents
            : throw new TrainingTextException(string.Join(", ", paths), 0, "the text", "nothing but blank space", "text");
    }
}
