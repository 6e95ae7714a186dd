using System.Text;

namespace ModelCompiler.Compiler.Emit;

/// <summary>Indented text with \n line ends. Text of several lines is taken line by line, its own indentation kept.</summary>
internal sealed class SourceWriter
{
    private const int IndentWidth = 4;

    private readonly StringBuilder text = new();
    private int depth;

    /// <summary>Writes <paramref name="lines"/> at the current depth; no text: an empty line.</summary>
    public SourceWriter Line(string lines = "")
    {
        int start = 0;
        while (true)
        {
            int end = lines.IndexOf('\n', start);
            string line = (end < 0 ? lines.Substring(start) : lines.Substring(start, end - start)).TrimEnd('\r');
            if (line.Length > 0)
            {
                text.Append(' ', depth * IndentWidth).Append(line);
            }

            text.Append('\n');
            if (end < 0)
            {
                return this;
            }

            start = end + 1;
        }
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

    /// <summary>Separates members: an empty line, unless a block has just been opened.</summary>
    public SourceWriter Gap()
    {
        if (text.Length >= 2 && text[text.Length - 2] != '{')
        {
            text.Append('\n');
        }

        return this;
    }

    /// <inheritdoc/>
    public override string ToString() => text.ToString();
}
