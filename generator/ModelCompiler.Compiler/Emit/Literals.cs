using System.Globalization;
using System.Text;

namespace ModelCompiler.Compiler.Emit;

/// <summary>Numbers and names as C# text: the same on any machine and culture, and never more than what they are.</summary>
internal static class Literals
{
    /// <summary>The shortest float literal that reads back to the same bits. (Framework versions disagree on "R"; they agree on a given number of digits.)</summary>
    public static string Float(double value)
    {
        float rounded = (float)value;
        int digits = 6;
        string text;
        do
        {
            text = rounded.ToString("G" + digits, CultureInfo.InvariantCulture);
        }
        while (digits++ < 9 && float.Parse(text, CultureInfo.InvariantCulture) != rounded);

        return text + "f";
    }

    /// <summary>A double literal that reads back to the same bits.</summary>
    public static string Double(double value)
    {
        string digits = value.ToString("G17", CultureInfo.InvariantCulture);
        return digits.IndexOfAny(['.', 'E', 'e']) < 0 ? digits + "d" : digits;
    }

    /// <summary>An integer literal; offsets are easier to follow in hexadecimal.</summary>
    public static string Offset(long bytes) => bytes == 0 ? "0" : "0x" + bytes.ToString("X", CultureInfo.InvariantCulture);

    /// <summary>An integer.</summary>
    public static string Int(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>A quoted string. Everything outside printable ASCII is escaped, so that no name can end the literal.</summary>
    public static string String(string value)
    {
        StringBuilder text = new("\"");
        foreach (char c in value)
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                >= ' ' and < (char)127 => c.ToString(),
                _ => "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture),
            });
        }

        return text.Append('"').ToString();
    }

    /// <summary>Text inside a comment of one line: whatever could end the line or start a directive becomes a space.</summary>
    public static string Comment(string value)
    {
        StringBuilder text = new(value.Length);
        foreach (char c in value)
        {
            text.Append(char.IsControl(c) || c is '\u2028' or '\u2029' or '\u0085' ? ' ' : c);
        }

        return text.ToString();
    }

    /// <summary>Text inside an XML documentation comment.</summary>
    public static string Documentation(string value) => Comment(value).Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");
}
