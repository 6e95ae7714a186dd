using System.Globalization;
using System.Text;

namespace ModelCompiler.Compiler.Inputs;

/// <summary>
/// Writes JSON, the same bytes on every machine: one property to a line unless asked otherwise, lines end in \n, numbers are
/// invariant, all that is not printable ASCII is escaped.
/// </summary>
public sealed class JsonWriter
{
    private readonly StringBuilder text = new();
    private int depth;
    private int lineDepth = int.MaxValue;
    private bool first = true;

    /// <summary>What was written, ending in a line end.</summary>
    public override string ToString() => text + "\n";

    /// <summary>Opens an object, as a property's value, an array's element, or the whole.</summary>
    public JsonWriter BeginObject(string? name = null) => Begin(name, '{');

    /// <summary>Opens an object that lies on one line.</summary>
    public JsonWriter BeginLine()
    {
        Begin(null, '{');
        lineDepth = Math.Min(lineDepth, depth);
        return this;
    }

    /// <summary>Closes an object.</summary>
    public JsonWriter EndObject() => End('}');

    /// <summary>Opens an array.</summary>
    public JsonWriter BeginArray(string? name = null) => Begin(name, '[');

    /// <summary>Closes an array.</summary>
    public JsonWriter EndArray() => End(']');

    /// <summary>A string, or null.</summary>
    public JsonWriter Property(string name, string? value)
    {
        Next(name);
        if (value is null)
        {
            text.Append("null");
        }
        else
        {
            AppendString(value);
        }

        return this;
    }

    /// <summary>A whole number.</summary>
    public JsonWriter Property(string name, long value)
    {
        Next(name);
        text.Append(value.ToString(CultureInfo.InvariantCulture));
        return this;
    }

    /// <summary>A boolean.</summary>
    public JsonWriter Property(string name, bool value)
    {
        Next(name);
        text.Append(value ? "true" : "false");
        return this;
    }

    /// <summary>A list of whole numbers, on one line.</summary>
    public JsonWriter Property(string name, IEnumerable<int> values)
    {
        Next(name);
        text.Append('[').Append(string.Join(", ", values.Select(value => value.ToString(CultureInfo.InvariantCulture)))).Append(']');
        return this;
    }

    private JsonWriter Begin(string? name, char bracket)
    {
        Next(name);
        text.Append(bracket);
        depth++;
        first = true;
        return this;
    }

    private JsonWriter End(char bracket)
    {
        depth--;
        if (!first)
        {
            NewLine(depth + 1);
        }

        text.Append(bracket);
        lineDepth = depth < lineDepth ? int.MaxValue : lineDepth;
        first = false;
        return this;
    }

    private void Next(string? name)
    {
        if (!first)
        {
            text.Append(',');
        }

        if (depth > 0)
        {
            NewLine(depth);
        }

        first = false;
        if (name is not null)
        {
            AppendString(name);
            text.Append(": ");
        }
    }

    private void NewLine(int inside)
    {
        if (inside < lineDepth)
        {
            text.Append('\n').Append(' ', 2 * depth);
        }
        else
        {
            text.Append(' ');
        }
    }

    private void AppendString(string value)
    {
        text.Append('"');
        foreach (char c in value)
        {
            if (c is '"' or '\\')
            {
                text.Append('\\').Append(c);
            }
            else if (c is >= ' ' and <= '~')
            {
                text.Append(c);
            }
            else
            {
                text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            }
        }

        text.Append('"');
    }
}
