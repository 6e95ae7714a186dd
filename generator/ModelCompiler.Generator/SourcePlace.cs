using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace ModelCompiler.Generator;

/// <summary>A place in a file as plain values: what a <see cref="Location"/> says, without the syntax tree that it holds.</summary>
internal readonly record struct SourcePlace(string Path, TextSpan Span, LinePositionSpan Lines)
{
    /// <summary>Where a syntax node stands.</summary>
    public static SourcePlace Of(SyntaxNode node, CancellationToken cancellation)
    {
        FileLinePositionSpan lines = node.SyntaxTree.GetLineSpan(node.Span, cancellation);
        return new(node.SyntaxTree.FilePath, node.Span, lines.Span);
    }

    /// <summary>From line and column (from 1) of a text to what its line says last, so that an editor underlines it; 0 stands for the text's beginning, and underlines nothing.</summary>
    public static SourcePlace Of(string path, string text, int line, int column)
    {
        int start = 0;
        for (int passed = 1; passed < line && start < text.Length; passed++)
        {
            int end = text.IndexOf('\n', start);
            start = end < 0 ? text.Length : end + 1;
        }

        start = Math.Min(start + Math.Max(column - 1, 0), text.Length);
        int length = line == 0 ? 0 : text.Substring(start).Split('\n')[0].TrimEnd().TrimEnd(',').Length;
        LinePosition position = new(Math.Max(line - 1, 0), Math.Max(column - 1, 0));
        return new(path, new TextSpan(start, length), new LinePositionSpan(position, new LinePosition(position.Line, position.Character + length)));
    }

    /// <summary>For the moment of reporting only; never to be kept.</summary>
    public Location ToLocation() => Location.Create(Path, Span, Lines);
}
