using System.Text;

namespace ModelCompiler.Compiler.Emit;

/// <summary>
/// Indented text with \n line ends. Text of several lines is taken line by line, its own indentation kept. Empty lines never
/// double, never follow an opening brace or precede a closing one, and one follows every closed block, as the house writes code.
/// </summary>
internal sealed class SourceWriter
{
    private const int IndentWidth = 4;

    private readonly StringBuilder text = new();
    private int depth;
    private bool gapWanted;
    private bool afterBrace = true;

    /// <summary>Writes <paramref name="lines"/> at the current depth; no text: an empty line.</summary>
    public SourceWriter Line(string lines = "")
    {
        foreach (string line in lines.Split('\n'))
        {
            Append(line.TrimEnd('\r'));
        }

        return this;
    }

    /// <summary>A header line, then an opening brace; what follows is indented until <see cref="Close"/>.</summary>
    public SourceWriter Open(string header)
    {
        Line(header);
        Line("{");
        depth++;
        return this;
    }

    /// <summary>Ends the innermost block.</summary>
    public SourceWriter Close()
    {
        depth--;
        return Line("}");
    }

    /// <inheritdoc/>
    public override string ToString() => text.ToString();

    private void Append(string line)
    {
        if (line.Length == 0)
        {
            gapWanted = true;
            return;
        }

        string start = line.TrimStart();
        bool closes = start[0] is '}' or ']';
        if (gapWanted && !afterBrace && !closes && start != "else")
        {
            text.Append('\n');
        }

        text.Append(' ', depth * IndentWidth).Append(line).Append('\n');
        afterBrace = start == "{";
        gapWanted = start == "}";
    }
}
