using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;
using ModelCompiler.Runtime.Offload;

namespace ModelCompiler.Onnx;

/// <summary>Turns what ONNX Runtime throws into one sentence of a type that tells what to do.</summary>
internal static partial class OnnxFaults
{
    private const int LongestQuote = 300;

    private static readonly string[] MemoryWords =
        ["Failed to allocate memory", "bad_alloc", "out of memory", "Available memory of", "OutOfMemory", "CUDA_ERROR_OUT_OF_MEMORY", "max buffer size", "alloc_failed"];

    /// <summary>What CUDA says of a machine without a device, with an old driver, with fewer devices; it looks only when a session is opened.</summary>
    private static readonly string[] DeviceWords = ["no CUDA-capable device", "driver version is insufficient", "invalid device ordinal"];

    /// <summary>While a session is opened.</summary>
    public static OffloadException Opening(Exception fault, OnnxOffload options)
        => Says(fault, DeviceWords) ? Choosing(fault, options)
            : IsMemory(fault)
            ? new OnnxMemoryException($"{options.ModelPath}: the weights do not fit the memory of provider '{options.Provider}' (ONNX Runtime: {Quote(fault)}). Export smaller ones (--weights f16, q8, q4).", fault)
            : new OnnxModelException($"{options.ModelPath}: ONNX Runtime {OnnxLibrary.Version} refuses the file (ONNX Runtime: {Quote(fault)}). Export it again, or with --operators decomposed for a provider that lacks an operator.", fault);

    /// <summary>While a provider is chosen.</summary>
    public static OffloadException Choosing(Exception fault, OnnxOffload options)
        => new OnnxProviderException(
            $"provider '{options.Provider}': found that it cannot begin on device {options.DeviceId} (ONNX Runtime: {Quote(fault)}), expected its driver and libraries on this machine.", fault);

    /// <summary>While tokens are read.</summary>
    public static OffloadException Running(Exception fault, OnnxOffload options, int position, int tokens)
        => IsMemory(fault)
            ? new OnnxMemoryException($"provider '{options.Provider}': {tokens} tokens at position {position} do not fit its memory (ONNX Runtime: {Quote(fault)}). Read shorter texts, or a prompt in smaller pieces (PromptChunk).", fault)
            : new OnnxRunException($"provider '{options.Provider}': the run of {tokens} tokens at position {position} failed (ONNX Runtime: {Quote(fault)}).", fault);

    private static bool IsMemory(Exception fault) => fault is OutOfMemoryException || Says(fault, MemoryWords);

    private static bool Says(Exception fault, string[] words) => words.Any(word => fault.Message.Contains(word, StringComparison.OrdinalIgnoreCase));

    /// <summary>What ONNX Runtime says, without where in its source that was, which it puts in front at each level, and without what CUDA puts behind.</summary>
    internal static string Quote(Exception fault)
    {
        string text = SourcePlace().Replace(fault.Message.ReplaceLineEndings(" "), "");
        int behind = text.IndexOf(" ; GPU=", StringComparison.Ordinal);
        text = (behind < 0 ? text : text[..behind]).Trim().TrimEnd('.');
        return text.Length <= LongestQuote ? text : text[..LongestQuote] + "…";
    }

    /// <summary>
    /// [ErrorCode:Fail]; [ONNXRuntimeError] : 1 : FAIL :, and a file:line and function of one word behind it; file:line operator(); /path/file:line and the function's signature, as gcc has it;
    /// C:\path\file:line and the function's name, as Visual C++ has it.
    /// </summary>
    [GeneratedRegex(
        @"\[ErrorCode:\w+\] |\[ONNXRuntimeError\] : \d+ : \w+ : (\w+\.(cc|cu|h):\d+ \w+ )?"
        + @"|(?<![\w./\\])\w+\.(cc|cu|h):\d+ operator\(\) "
        + @"|/\S+\.(cc|cu|cuh|h):\d+ ([\w<>,*& ]*::[\w:<>,*&~ ]*\([^()]*\)( const)?( \[with [^\]]*\])?(::<lambda\(.*?\)>)? ?)?"
        + @"|[A-Za-z]:\\\S+\.(cc|cu|cuh|h):\d+ (\w+(::\w+)+ ?)?")]
    private static partial Regex SourcePlace();
}
