using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Emit;
using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.EndToEnd.Tests.Emission;
using ModelCompiler.Runtime;
using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.EndToEnd.Tests.Training;

/// <summary>One kernel, emitted for every instruction set of this kind of processor and compiled by itself.</summary>
internal sealed class EmittedKernel
{
    private const string ClassName = "Emitted";

    private readonly Action<string, Worker, nint[]> run;

    public EmittedKernel(KernelPlan kernel)
    {
        Plan = kernel;
        byte[] assembly = EmittedAssembly.Compile(kernel.Name, [new GeneratedFile("Kernel.g.cs", Text(kernel, [.. Engines.All.Select(Target)]))]);
        run = System.Reflection.Assembly.Load(assembly).GetType(ClassName, throwOnError: true)!.GetMethod("Run")!.CreateDelegate<Action<string, Worker, nint[]>>();
        Sizes = MethodSize.Of(assembly);
    }

    public KernelPlan Plan { get; }

    /// <summary>Of every emitted method.</summary>
    public IReadOnlyList<MethodSize> Sizes { get; }

    /// <summary>Runs the kernel as one worker of a step; arguments are the addresses of its parameters, in order.</summary>
    public void Run(InstructionSet set, Worker worker, nint[] arguments) => run(set.ToString(), worker, arguments);

    /// <summary>C# of the kernel for some targets, and a method that calls it by a target's name.</summary>
    public static string Text(KernelPlan kernel, IReadOnlyList<VectorTarget> targets)
    {
        string[] parameters = [.. KernelWriter.Parameters(kernel).Split(", ").Skip(1)];
        string arguments = string.Concat(parameters.Select((parameter, i) => $", ({parameter.Split(' ')[0]})a[{i}]"));
        SourceWriter writer = new();
        writer.Line("#pragma warning disable");
        foreach (string space in (string[])["System", "System.Diagnostics.CodeAnalysis", "System.Runtime.CompilerServices", "System.Runtime.Intrinsics", "System.Runtime.Intrinsics.Arm", "System.Runtime.Intrinsics.X86", "ModelCompiler.Runtime.Execution"])
        {
            writer.Line($"using {space};");
        }

        writer.Open($"public static unsafe class {ClassName}");
        writer.Open("public static void Run(string target, Worker w, nint[] a)");
        writer.Open("switch (target)");
        foreach (VectorTarget target in targets)
        {
            writer.Line($"case \"{target.Name}\": {target.Name}Kernels.{kernel.Name}(w{arguments}); break;");
        }

        writer.Close().Close();
        foreach (VectorTarget target in targets)
        {
            KernelSet set = new(target);
            set.Require(KernelFile.Kernels, kernel.Name, own => KernelWriter.Write(set, own, kernel));
            writer.Open($"private struct {target.Name}Kernels");
            foreach (KernelFile file in set.Files)
            {
                writer.Line(set.Members(file).ToString().Trim('\n')).Line();
            }

            writer.Close();
        }

        return writer.Close().ToString();
    }

    private static VectorTarget Target(InstructionSet set) => VectorTarget.All.Single(target => target.Name == set.ToString());
}
