using System.Text;
using StoryWorld.Writing;

namespace StoryWorld.Corpus;

/// <summary>
/// How surprising documents are to one who knows the grammar: the sum of −ln p over the choices that wrote each. No model can foretell them
/// better on average than −ln of the text's probability, which is this number where one way of choosing leads to a text, and less where
/// several do.
/// </summary>
public sealed class GrammarEntropy
{
    private readonly Sums all = new();
    private readonly SortedDictionary<string, Sums> parts = new(StringComparer.Ordinal);

    public void Add(Document document)
    {
        string part = document.Languages switch
        {
            Languages.English => "english",
            Languages.Chinese => "chinese",
            _ => "bilingual",
        };
        parts.TryAdd(part, new());
        parts[part].Add(document);
        all.Add(document);
    }

    /// <summary>Nats in all and for each document, character (UTF-16 unit; newlines within a document count) and byte of UTF-8; in all, and by language.</summary>
    public IReadOnlyDictionary<string, object> Report()
        => parts.Select(part => (part.Key, Value: part.Value.Report())).Prepend(("all", all.Report())).ToDictionary(part => part.Item1, part => part.Item2);

    private sealed class Sums
    {
        private long documents, characters, bytes;
        private double nats;

        public void Add(Document document)
        {
            documents++;
            characters += document.Text.Length;
            bytes += Encoding.UTF8.GetByteCount(document.Text);
            nats += document.SurpriseNats;
        }

        public object Report() => new
        {
            documents,
            characters,
            bytes,
            nats = Math.Round(nats, 3),
            natsPerDocument = Math.Round(nats / documents, 4),
            natsPerCharacter = Math.Round(nats / characters, 5),
            natsPerByte = Math.Round(nats / bytes, 5),
        };
    }
}
