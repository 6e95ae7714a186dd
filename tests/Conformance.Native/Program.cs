using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Training;

namespace ModelCompiler.Conformance.Native;

/// <summary>
/// Runs every model that it was compiled with on every instruction set of this process, and writes the logits as raw float32,
/// [tokens × vocab]; then trains others, and writes what <see cref="ShortTraining"/> gives. Arguments: the folder with NAME.mcw and NAME.tokens (int32) or
/// NAME.parameters (float32), and the folder that receives NAME.SET.logits. Fails when threads, pieces of the prompt, decoding its end token by token,
/// or stopping a training and resuming it, change a bit.
/// </summary>
internal static class Program
{
    private const int Decoded = 20;

    /// <summary>Of the second run of each: 2, or what the environment says (1 while the JIT writes down what it compiles: two threads would write into each other's lines).</summary>
    private static readonly int threads = int.Parse(Environment.GetEnvironmentVariable("CONFORMANCE_THREADS") ?? "2", CultureInfo.InvariantCulture);

    /// <summary>What the names of models and trainings must end with; empty: all are run.</summary>
    private static readonly string[] endings = (Environment.GetEnvironmentVariable("CONFORMANCE_ONLY") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static int Main(string[] arguments)
    {
        (string inputs, string outputs) = (arguments[0], arguments[1]);
        int wrong = 0;
        foreach ((string name, Func<LoadOptions, CompiledModel> load) in EmittedModels.All.Where(model => Wanted(model.Name)))
        {
            int[] tokens = MemoryMarshal.Cast<byte, int>(File.ReadAllBytes(Path.Combine(inputs, name + ".tokens"))).ToArray();
            foreach (InstructionSet instructionSet in Emitted(load, inputs, name).Where(InstructionSets.IsSupported))
            {
                LoadOptions options = new()
                {
                    WeightsPath = Path.Combine(inputs, name + ".mcw"), InstructionSet = instructionSet, Threads = 1, AlwaysUseAllThreads = true,
                };
                float[] logits = Run(load, options, tokens, tokens.Length);
                float[] otherwise = Run(load, options with { Threads = threads, PromptChunk = 7 }, tokens, tokens.Length - Decoded);
                if (!MemoryMarshal.AsBytes<float>(logits).SequenceEqual(MemoryMarshal.AsBytes<float>(otherwise)))
                {
                    Console.Error.WriteLine($"{name}: {instructionSet} has other bits with {threads} threads, pieces of 7 tokens and the last {Decoded} decoded");
                    wrong++;
                }

                File.WriteAllBytes(Path.Combine(outputs, $"{name}.{instructionSet}.logits"), MemoryMarshal.AsBytes<float>(logits));
            }
        }

        return wrong + Train(inputs, outputs);
    }

    private static bool Wanted(string name) => endings.Length == 0 || endings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal));

    private static int Train(string inputs, string outputs)
    {
        int wrong = 0;
        foreach ((string name, Func<TrainingLoadOptions, TrainableModel> create) in EmittedModels.Trainings.Where(training => Wanted(training.Name)))
        {
            float[] parameters = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(Path.Combine(inputs, name + ".parameters"))).ToArray();
            TrainingLoadOptions options = new() { WeightsPath = Path.Combine(inputs, name + ".mcw"), Threads = 1 };
            foreach (InstructionSet instructionSet in Emitted(create, options).Where(InstructionSets.IsSupported))
            {
                ShortTraining training = new(count => create(options with { InstructionSet = instructionSet, Threads = count }), parameters);
                float[] result = training.Run();
                if (!MemoryMarshal.AsBytes<float>(result).SequenceEqual(MemoryMarshal.AsBytes<float>(training.RunInTwo(Path.Combine(outputs, "checkpoints", name + instructionSet), threads))))
                {
                    Console.Error.WriteLine($"{name}: {instructionSet} trains to other bits with {threads} threads, stopped and resumed");
                    wrong++;
                }

                File.WriteAllBytes(Path.Combine(outputs, $"{name}.{instructionSet}.logits"), MemoryMarshal.AsBytes<float>(result));
            }
        }

        return wrong;
    }

    private static InstructionSet[] Emitted(Func<TrainingLoadOptions, TrainableModel> create, TrainingLoadOptions options)
    {
        using TrainableModel model = create(options);
        return [.. model.Description.InstructionSets];
    }

    private static InstructionSet[] Emitted(Func<LoadOptions, CompiledModel> load, string inputs, string name)
    {
        using CompiledModel model = load(new LoadOptions { WeightsPath = Path.Combine(inputs, name + ".mcw"), Threads = 1 });
        return [.. model.Description.InstructionSets];
    }

    private static float[] Run(Func<LoadOptions, CompiledModel> load, LoadOptions options, int[] tokens, int prompt)
    {
        using CompiledModel model = load(options);
        using Session session = model.CreateSession();
        List<float> logits = [.. session.Forward(tokens.AsSpan(0, prompt), LogitsFor.All).ToArray()];
        for (int position = prompt; position < tokens.Length; position++)
        {
            logits.AddRange(session.Forward(tokens.AsSpan(position, 1)).Last);
        }

        return [.. logits];
    }
}
