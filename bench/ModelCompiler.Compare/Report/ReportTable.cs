namespace ModelCompiler.Compare.Report;

/// <summary>A table before it is known who reads it. The first column is text, the others are numbers.</summary>
internal sealed record ReportTable(string Title, string[] Columns, List<string[]> Rows);
