using System.Collections.Concurrent;
using Microsoft.ML.OnnxRuntime;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>What ONNX Runtime warns of in this process: collected, to be asserted empty, in place of standard error.</summary>
internal static class OnnxLog
{
    private static readonly ConcurrentQueue<string> Messages = [];

    /// <summary>Before the first use of ONNX Runtime in the process.</summary>
    public static void Collect()
    {
        EnvironmentCreationOptions options = new()
        {
            logId = "tests",
            logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_WARNING,
            loggingFunction = (_, severity, category, _, where, message) => Messages.Enqueue($"{severity} {category} {where}: {message}"),
        };
        OrtEnv.CreateInstanceWithOptions(ref options);
    }

    public static void AssertEmpty() => Assert.Empty(Messages);
}
