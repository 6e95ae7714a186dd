namespace ModelCompiler.Compiler.Emit;

/// <summary>
/// A class's own members with no model behind them. Where a model cannot be compiled this stands in for its class, so that the reason is the only error, and
/// not all the code that uses the class besides; an editor knows the members before the first build. The project's C# may be what is wrong: nothing here is newer than C# 8.
/// </summary>
internal static class PlaceholderWriter
{
    private const string Refusal = "throw new NotSupportedException(\"This class has no model: the build says why.\")";

    /// <summary>The whole class.</summary>
    public static GeneratedFile Write(string model, string space, string className, string modifiers, bool training)
    {
        EmittedClass emitted = Begin(model, space, className, out SourceWriter writer);
        emitted.Open(writer, $"{modifiers} partial class {className} : CompiledModel".TrimStart());
        WriteMembers(writer, className, "Load", "LoadOptions");
        if (training)
        {
            WriteTraining(writer);
        }

        return Finish(emitted, space, writer);
    }

    /// <summary>What training adds, for a class that is emitted otherwise.</summary>
    public static GeneratedFile WriteTraining(string model, string space, string className)
    {
        EmittedClass emitted = Begin(model, space, className, out SourceWriter writer);
        emitted.Open(writer);
        WriteTraining(writer);
        return Finish(emitted, space, writer);
    }

    private static EmittedClass Begin(string model, string space, string className, out SourceWriter writer)
    {
        EmittedClass emitted = new(model, "", [className], []);
        writer = emitted.Begin("not compiled.", "using ModelCompiler.Runtime;", "using ModelCompiler.Runtime.Execution;", "using ModelCompiler.Runtime.Training;");
        if (space.Length > 0)
        {
            writer.Open($"namespace {space}");
        }

        return emitted;
    }

    private static void WriteTraining(SourceWriter writer)
    {
        writer.Line().Line($"public static Trainable LoadForTraining(TrainingLoadOptions? options = null) => {Refusal};").Line();
        writer.Open("public sealed class Trainable : TrainableModel");
        WriteMembers(writer, "Trainable", "Create", "TrainingLoadOptions");
        writer.Close();
    }

    private static void WriteMembers(SourceWriter writer, string className, string load, string options)
    {
        writer.Line($"private {className}()\n    : base(null!, null)").Line("{").Line("}");
        writer.Line($"public static {className} {load}({options}? options = null) => {Refusal};").Line();
        writer.Line($"protected override void Execute(InstructionSet instructionSet, Worker worker) => {Refusal};");
    }

    private static GeneratedFile Finish(EmittedClass emitted, string space, SourceWriter writer)
    {
        if (space.Length > 0)
        {
            writer.Close();
        }

        emitted.Finish(writer, ".Placeholder");
        return emitted.Files[0];
    }
}
