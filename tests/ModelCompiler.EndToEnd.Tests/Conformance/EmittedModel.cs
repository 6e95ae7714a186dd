using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Compiler.Reference;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Weights;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Packing;

namespace ModelCompiler.EndToEnd.Tests.Conformance;

/// <summary>A published folder gone the whole way in one format: planned, packed, emitted, compiled.</summary>
internal sealed class EmittedModel
{
    private const string ClassName = "Model";
    private readonly Lazy<Func<LoadOptions, CompiledModel>> load;
    private readonly Lazy<double[]> reference;
    private readonly string contentHash;

    /// <param name="folder">The published model.</param>
    /// <param name="name">Unique in this run: part of a namespace.</param>
    /// <param name="format">Format of the packed matrices, and behind a + of the cache: <c>f32+bf16</c>.</param>
    /// <param name="packedFolder">Receives the packed weights.</param>
    /// <param name="features">What the class can do besides.</param>
    public EmittedModel(string folder, string name, string format, string packedFolder, ModelFeatures features = ModelFeatures.None)
    {
        Folder = folder;
        using ModelFolder published = ModelFolder.Open(folder, name);
        List<ModelDiagnostic> diagnostics = [];
        ModelPlan? plan = ModelCompilation.Plan(published.Inputs, format.Split('+') is [var weights, var cache] ? new PlanOptions(weights, cache, features) : new PlanOptions(format, Features: features), diagnostics);
        Assert.Empty(diagnostics);
        Plan = plan!;
        Identifier = IdentifierOf(name, format) + (features == ModelFeatures.None ? "" : features);
        WeightsPath = Path.Combine(packedFolder, Identifier + ".mcw");
        using (WeightsFileWriter writer = new(WeightsPath, Plan.Hash))
        {
            WeightsPacker.Pack(Plan.Weights, new PublishedParameters(published), writer.Write);
            contentHash = writer.Complete([]);
        }

        Files = Emit([.. Engines.All]);
        load = new(() => EmittedAssembly.Loader(EmittedAssembly.Compile(Identifier, Files, checkOverflow: true), FullClassName));
        reference = new(() => RunReference(Tokens(ConformanceModels.LongestReference)));
    }

    /// <summary>The published model.</summary>
    public string Folder { get; }

    public ModelPlan Plan { get; }

    /// <summary>True when a matrix has a block format, whose products round their inputs.</summary>
    public bool HasBlocks => Plan.Weights.Matrices.Any(matrix => matrix.Format is BlockFormat);

    /// <summary>Model and format as a C# identifier.</summary>
    public string Identifier { get; }

    public string WeightsPath { get; }

    /// <summary>The C# for the instruction sets of this kind of processor.</summary>
    public EquatableArray<GeneratedFile> Files { get; }

    /// <summary>The C# for other instruction sets than this process has.</summary>
    public EquatableArray<GeneratedFile> Emit(params InstructionSet[] sets) => ModelCompilation.Emit(Plan, new EmitOptions(
        $"Emitted.{Identifier}", ClassName, "public sealed", contentHash, Path.GetFileName(WeightsPath), null,
        sets.Select(set => Enum.Parse<TargetSet>(set.ToString())).ToEquatable()));

    public string FullClassName => $"Emitted.{Identifier}.{ClassName}";

    public int Vocab => Plan.Graph.Dimensions.Vocab;

    public static string IdentifierOf(string model, string format) => string.Concat($"{model}_{format}".Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));

    /// <summary>Loads the compiled class; every thread takes part in every step, however small.</summary>
    public CompiledModel Load(InstructionSet instructionSet, int threads = 1, int? promptChunk = null, Runtime.Offload.IOffload? offload = null) => load.Value(new LoadOptions
    {
        WeightsPath = WeightsPath,
        InstructionSet = instructionSet,
        Threads = threads,
        AlwaysUseAllThreads = true,
        PromptChunk = promptChunk,
        Offload = offload,
    });

    /// <summary>Logits [tokens × vocab] of a fresh session that reads the tokens at once.</summary>
    public float[] Logits(ReadOnlySpan<int> tokens, InstructionSet instructionSet, int threads = 1, int? promptChunk = null)
    {
        using CompiledModel model = Load(instructionSet, threads, promptChunk);
        using Session session = model.CreateSession();
        return session.Forward(tokens, LogitsFor.All).ToArray();
    }

    /// <summary>The same sequence for everyone, longer ones beginning with the shorter.</summary>
    public int[] Tokens(int length)
    {
        ulong state = 0x9E3779B97F4A7C15;
        int[] tokens = new int[length];
        foreach (ref int token in tokens.AsSpan())
        {
            state = (state * 6364136223846793005) + 1442695040888963407;
            token = (int)((state >> 33) % (ulong)Vocab);
        }

        return tokens;
    }

    /// <summary>
    /// Double precision on the same rounded weights, [length × vocab]. The longest case is computed once: a token sees only its past, so
    /// that the rows of a shorter sequence are its first.
    /// </summary>
    public ReadOnlySpan<double> Reference(int length) => reference.Value.AsSpan(0, length * Vocab);

    /// <summary>Every value of the graph in double precision, [tokens × width], by layer and name.</summary>
    public IReadOnlyDictionary<(int Layer, string Name), double[]> ReferenceValues(int[] tokens)
    {
        using ModelFolder published = ModelFolder.Open(Folder);
        return Interpreter(published).RunAll(tokens);
    }

    /// <summary>The numbers of a published matrix.</summary>
    public float[] Published(string tensor)
    {
        using ModelFolder published = ModelFolder.Open(Folder);
        Compiler.Graph.Parameter parameter = Plan.Graph.Parameters.Single(parameter => parameter.Tensor.Name == tensor);
        float[] numbers = new float[parameter.Rows * parameter.Columns];
        new PublishedParameters(published).Read(parameter, 0, parameter.Rows, numbers);
        return numbers;
    }

    private double[] RunReference(int[] tokens)
    {
        using ModelFolder published = ModelFolder.Open(Folder);
        return Interpreter(published).Run(tokens);
    }

    private ReferenceInterpreter Interpreter(ModelFolder published) => new(
        Plan.Graph, new RoundedParameters(Plan.Weights, new PublishedParameters(published)), Plan.Weights, CacheFormat.Find(Plan.Cache.Format));
}
