using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ModelCompiler.Tool.Commands;

/// <summary>How results reach standard output.</summary>
internal static class Output
{
    // A program that reads us must not have its lines wrapped at 80 columns.
    private const int UnwrappedColumns = 400;

    /// <summary>Indented, and with text as it is rather than as escapes.</summary>
    public static JsonSerializerOptions Json { get; } = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A table, in full width where nobody watches.</summary>
    public static void Write(IRenderable table)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = UnwrappedColumns;
        }

        console.Write(table);
    }

    /// <summary>A number of bytes to be read by people.</summary>
    public static string Bytes(long bytes) => bytes >= 1_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:F2} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:F2} kB");
}
