using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Generation;
using ModelCompiler.Runtime.Weights;

namespace ModelCompiler.Runtime.Tests;

/// <summary>
/// A model as the compiler would emit it, with two stages instead of a transformer: tokens go into the cache, and the logits of a
/// row are a function of all tokens that the cache then holds for its sequence.
/// </summary>
internal sealed unsafe class FakeModel : CompiledModel
{
    public const int Vocab = 97;
    private const int Stride = 112;
    private readonly Action<int[], Span<float>> logits;

    private FakeModel(ModelDescription description, LoadOptions options, Action<int[], Span<float>> logits)
        : base(description, options) => this.logits = logits;

    /// <summary>Steps that were run, with their numbers of rows.</summary>
    public List<(int Rows, int Slices, bool SingleRows, int Workers)> Steps { get; } = [];

    /// <summary>Called by every worker in the middle of a step.</summary>
    public Action<Worker>? Interfere { get; set; }

    /// <summary>Stands in for a tokenizer.</summary>
    public ITextCodec? Codec { get; set; }

    internal override ITextCodec? TextCodec => Codec ?? base.TextCodec;

    public static FakeModel Load(Action<int[], Span<float>>? logits = null, LoadOptions? options = null, Func<ModelDescription, ModelDescription>? describe = null, byte[]? tokenizer = null)
    {
        using PackedFile file = new(tokenizer: tokenizer);
        ModelDescription description = describe?.Invoke(file.Description) ?? file.Description;
        return new FakeModel(description, (options ?? new LoadOptions()) with { WeightsPath = file.Path }, logits ?? HashLogits);
    }

    public static FakeModel Open(ModelDescription description, LoadOptions options) => new(description, options, HashLogits);

    /// <summary>Numbers that depend on every token and on its position.</summary>
    public static void HashLogits(int[] history, Span<float> row)
    {
        uint hash = 2166136261;
        foreach (int token in history)
        {
            hash = (hash ^ (uint)token) * 16777619;
        }

        for (int i = 0; i < row.Length; i++)
        {
            row[i] = (((hash ^ (uint)(i * 7919)) * 2654435761u) >> 8) / 1e6f;
        }
    }

    protected override void Execute(InstructionSet instructionSet, Worker worker)
    {
        if (worker.Index == 0)
        {
            Steps.Add((worker.Rows, worker.SliceCount, worker.SingleRows, worker.Count));
        }

        for (int s = 0; s < worker.SliceCount; s++)
        {
            SequenceSlice slice = worker.Slices[s];
            for (int row = worker.Index; row < slice.Rows; row += worker.Count)
            {
                int position = worker.Positions[slice.FirstRow + row];
                ((float*)slice.Pages[position / 64])[position % 64] = worker.Tokens[slice.FirstRow + row];
                worker.Arena[(slice.FirstRow + row) * 16] = s;
            }
        }

        Interfere?.Invoke(worker);
        worker.Barrier();
        while (worker.Next(worker.LogitRows, 1, out int first, out int last))
        {
            for (int i = first; i < last; i++)
            {
                int row = worker.LogitRowIndices[i];
                SequenceSlice slice = worker.Slices[(int)worker.Arena[row * 16]];
                int[] history = new int[worker.Positions[row] + 1];
                for (int position = 0; position < history.Length; position++)
                {
                    history[position] = (int)((float*)slice.Pages[position / 64])[position % 64];
                }

                logits(history, new Span<float>(worker.Logits + (i * Description.VocabStride), Description.Vocab));
            }
        }
    }

    /// <summary>A packed weights file in a folder of its own.</summary>
    internal sealed class PackedFile : IDisposable
    {
        public static readonly string PlanHash = string.Concat(Enumerable.Repeat("0123456789abcdef", 4));
        private readonly string folder = Directory.CreateTempSubdirectory("modelcompiler-tests-").FullName;

        public PackedFile(int dataLength = 1000, byte[]? tokenizer = null)
        {
            Path = System.IO.Path.Combine(folder, "fake.mcw");
            using WeightsFileWriter writer = new(Path, PlanHash);
            byte[] data = [.. Enumerable.Range(0, dataLength).Select(i => (byte)i)];
            writer.Write(data);
            string contentHash = writer.Complete(tokenizer ?? []);
            Description = new ModelDescription
            {
                Name = "fake", Family = "fake", Format = "f32", Dim = 8, HiddenDim = 8, Layers = 1, Heads = 1, KvHeads = 1, HeadDim = 8,
                Vocab = Vocab, VocabStride = Stride, ContextLength = 300, EndTokens = [1], WeightsFile = "fake.mcw", PlanHash = PlanHash,
                ContentHash = contentHash, WeightsLengthBytes = dataLength, BytesPerToken = dataLength, MaxRows = 128,
                ArenaFloatsPerRow = 16, LocalFloats = 16, LocalFloatsPerRow = 0, AttentionPositions = 48,
                Cache = new CacheLayout("f32", blocks: 1, positionRows: 16, headWords: 16, positionsPerWord: 1),
                InstructionSets = [InstructionSet.Avx512, InstructionSet.Portable],
            };
        }

        public string Path { get; }

        public ModelDescription Description { get; }

        public string[] Files => Directory.GetFiles(folder);

        public void Dispose()
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException)
            {
                // Windows keeps a mapped file; the temporary folder is cleaned by others.
            }
        }
    }
}
