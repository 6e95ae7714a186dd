using System.Reflection;
using System.Runtime.Loader;
using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Memory;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Runtime.Weights;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Tokenizers;

namespace ModelCompiler.Tool.Training;

/// <summary>
/// Lets a model that is being trained write: its inference code, in f32, reads parameters in the very layout that they are trained in, so a copy of them behind a
/// header is a packed weights file.
/// </summary>
internal sealed unsafe class TrainingSampler(TrainableModel trained, TrainingSource source, TrainingLoadOptions loading) : IDisposable
{
    private const string Space = "ModelCompiler.Hosted";
    private const string ClassName = "HostedSampler";
    private const int MostTokens = 64;
    private static readonly string NoHash = new('0', 64);

    private NativeBlock? weights;
    private CompiledModel? model;

    /// <summary>What the model writes now behind a prompt; empty when it cannot begin without one.</summary>
    /// <remarks>The first call compiles the inference code.</remarks>
    public string Sample(string prompt, CancellationToken cancellation)
    {
        if (prompt.Length == 0 && source.Graph.Dimensions.BeginToken < 0)
        {
            return "";
        }

        model ??= Load(cancellation);
        Buffer.MemoryCopy(trained.Parameters, weights!.Bytes + WeightsHeader.LengthBytes, trained.LengthBytes, trained.LengthBytes);
        string text = string.Concat(model.Generate(prompt, new() { MaxTokens = MostTokens, Temperature = 0.8f, TopP = 0.95f, Seed = 1 }, cancellation));
        return prompt + text;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        model?.Dispose();
        weights?.Dispose();
    }

    private CompiledModel Load(CancellationToken cancellation)
    {
        List<ModelDiagnostic> diagnostics = [];
        ModelPlan plan = ModelCompilation.Plan(source.Inputs, new PlanOptions(), diagnostics) ?? throw new ModelFindingsException(diagnostics);
        if (plan.Hash != trained.Description.PlanHash)
        {
            throw new InvalidOperationException($"the parameters are trained in the layout {trained.Description.PlanHash}, but read in {plan.Hash}");
        }

        EquatableArray<TargetSet> targets = new([Enum.Parse<TargetSet>(trained.InstructionSet.ToString())]);
        using MemoryStream assembly = new();
        AssemblyCompiler.Compile(ClassName, ModelCompilation.Emit(plan, new EmitOptions(Space, ClassName, "public sealed", NoHash, "model.mcw", null, targets), cancellation), assembly, cancellation);
        assembly.Position = 0;
        MethodInfo load = new AssemblyLoadContext(ClassName).LoadFromStream(assembly).GetType($"{Space}.{ClassName}", throwOnError: true)!.GetMethod("Load", [typeof(LoadOptions)])
            ?? throw new InvalidOperationException("the emitted class has no Load(LoadOptions)");
        return load.CreateDelegate<Func<LoadOptions, CompiledModel>>()(new LoadOptions
        {
            Threads = loading.Threads, InstructionSet = trained.InstructionSet, WeightsMemory = File(plan),
        });
    }

    /// <summary>Header, room for the parameters, and the tokenizer.</summary>
    private UnmanagedMemoryStream File(ModelPlan plan)
    {
        byte[] tokenizer = TokenizerPacker.Pack(source.Tokenizer.Json, source.Tokenizer.Config, plan.Graph.Dimensions.Vocab);
        WeightsHeaderFields header = new(plan.Weights.LengthBytes, tokenizer.Length, plan.Hash, NoHash);
        weights = new NativeBlock(header.FileLength, "a copy of the parameters");
        header.Write(new Span<byte>(weights.Pointer, WeightsHeader.LengthBytes));
        tokenizer.CopyTo(new Span<byte>(weights.Bytes + header.TokenizerOffset, tokenizer.Length));
        return new(weights.Bytes, header.FileLength);
    }
}
