using System.Text.Json;

namespace ModelCompiler.Runtime.Files;

/// <summary>What was found where a file's JSON should have had a certain form, from what reading it threw.</summary>
internal static class JsonFault
{
    /// <summary>Whether reading JSON throws it.</summary>
    public static bool Is(Exception fault) => fault is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException;

    /// <summary>For the middle of a sentence.</summary>
    public static string Found(Exception fault) => fault is JsonException { LineNumber: var line } ? $"text that is no JSON (line {(line ?? 0) + 1})" : "JSON of another form";
}
