using System.Text.RegularExpressions;

namespace ModelCompiler.EndToEnd.Tests.Native;

/// <summary>The innermost loop of a method in a disassembly: the instructions between a backward branch and its target.</summary>
internal static partial class InnerLoop
{
    /// <summary>The JIT's listing (DOTNET_JitDisasm): labels on lines of their own. The longest loop without another one in it.</summary>
    public static IReadOnlyList<string> OfJit(IReadOnlyList<string> listing)
    {
        List<string> code = [];
        Dictionary<string, int> labels = [];
        List<(int Begin, int End)> loops = [];
        foreach (string line in listing.Select(line => line.Trim()))
        {
            if (Label().Match(line) is { Success: true } label)
            {
                labels[label.Groups[1].Value] = code.Count;
            }
            else if (line.Length > 0 && !line.StartsWith(';'))
            {
                code.Add(line);
                if (line.StartsWith('j') && Target().Match(line) is { Success: true } jump && labels.TryGetValue(jump.Value, out int begin))
                {
                    loops.Add((begin, code.Count));
                }
            }
        }

        return Innermost(code, loops);
    }

    /// <summary>objdump's listing for arm64: <c>address: encoding instruction operands</c>.</summary>
    public static IReadOnlyList<string> OfObjdump(IReadOnlyList<string> listing)
    {
        List<string> code = [];
        Dictionary<string, int> addresses = [];
        List<(int Begin, int End)> loops = [];
        foreach (Match match in listing.Select(line => Instruction().Match(line)).Where(match => match.Success))
        {
            addresses[match.Groups[1].Value] = code.Count;
            code.Add(match.Groups[2].Value);
            if (Branch().Match(match.Groups[2].Value) is { Success: true } branch && addresses.TryGetValue(branch.Groups[1].Value, out int begin))
            {
                loops.Add((begin, code.Count));
            }
        }

        return Innermost(code, loops);
    }

    private static List<string> Innermost(List<string> code, List<(int Begin, int End)> loops)
    {
        (int Begin, int End)[] inner = [.. loops.Where(loop => !loops.Any(other => other != loop && other.Begin >= loop.Begin && other.End <= loop.End))];
        Assert.NotEmpty(inner);
        (int first, int last) = inner.MaxBy(loop => loop.End - loop.Begin);
        return code[first..last];
    }

    [GeneratedRegex(@"^(G_M\w+):")]
    private static partial Regex Label();

    [GeneratedRegex(@"G_M\w+")]
    private static partial Regex Target();

    [GeneratedRegex(@"^\s*([0-9a-f]+):\s+[0-9a-f]{8}\s+(.+)$")]
    private static partial Regex Instruction();

    [GeneratedRegex(@"^(?:b\.\w+|cbn?z|tbn?z|b)\s+(?:.*,\s*)?([0-9a-f]+)\s*<")]
    private static partial Regex Branch();
}
