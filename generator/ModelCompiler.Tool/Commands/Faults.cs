using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Plan.Training;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Runtime.Sessions;
using ModelCompiler.Runtime.Training;
using ModelCompiler.Tool.Hosting;
using ModelCompiler.Tool.Training;

namespace ModelCompiler.Tool.Commands;

/// <summary>Turns what can go wrong into lines in the canonical form that MSBuild and editors understand; never a stack trace.</summary>
internal static class Faults
{
    /// <summary>Set to anything, a fault of ours is told with its stack trace, for a report.</summary>
    public const string TraceVariable = "MODELC_TRACE";

    /// <summary>What to write to standard error.</summary>
    /// <param name="fault">What went wrong.</param>
    /// <param name="place">The file that is told where the fault itself has none.</param>
    /// <param name="subject">What the sentence begins with then.</param>
    public static string Describe(Exception fault, string place = "modelc", string subject = "")
    {
        string Line(string id, string message) => $"{place}: error {id}: {subject}{message.ReplaceLineEndings(" ")}";
        return fault switch
        {
            ModelException or ModelFindingsException or HostedModelException or TrainingTextException => fault.Message,
            AggregateException { InnerExceptions: [{ } only] } => Describe(only, place, subject),
            OffloadException => Line("MC341", fault.Message),
            UsageException => Line("MC320", fault.Message),
            TextTooShortException => Line("MC330", fault.Message),
            NotFiniteTrainingException => Line("MC331", fault.Message),
            TrainingCheckpointException or ResumeException => Line("MC332", fault.Message),
            ArgumentException argument => Line("MC322", Sentence(argument)),
            ContextFullException or TrainingMemoryException or PlatformNotSupportedException or FormatException => Line("MC322", fault.Message),
            IOException or UnauthorizedAccessException => Line("MC321", DiskFaults.Describe(fault)),
            OutOfMemoryException => Line("MC323", $"There is not enough memory for this model: {fault.Message}"),
            _ => Line("MC329", $"This is a fault of modelc itself ({fault.GetType().Name}: {fault.Message}). Please report it, with what {TraceVariable}=1 shows.")
                + (string.IsNullOrEmpty(Environment.GetEnvironmentVariable(TraceVariable)) ? "" : "\n" + fault),
        };
    }

    /// <summary>Without what .NET puts behind it: the parameter, and the value that the sentence has told.</summary>
    private static string Sentence(ArgumentException fault)
        => fault.ParamName is { } parameter && fault.Message.LastIndexOf($" (Parameter '{parameter}')", StringComparison.Ordinal) is >= 0 and var end ? fault.Message[..end] : fault.Message;

    /// <summary>How the process ends.</summary>
    public static int ExitCodeOf(Exception fault) => fault is UsageException ? ExitCode.Usage : ExitCode.Fault;

    /// <summary>Writes what does not stop the work to standard error.</summary>
    public static void Print(IEnumerable<ModelDiagnostic> warnings)
    {
        foreach (ModelDiagnostic warning in warnings)
        {
            Output.Tell(warning.ToString());
        }
    }
}
