using System.Runtime.InteropServices;
using Google.Protobuf;
using Onnx;

namespace ModelCompiler.Onnx.Export;

/// <summary>
/// An ONNX graph in the making: appends nodes, names what they write, keeps each constant once. Operators' meaning: onnx/docs/Operators.md.
/// </summary>
internal sealed class OnnxGraph
{
    /// <summary>Domain of ONNX Runtime's own operators.</summary>
    public const string RuntimeDomain = "com.microsoft";

    private readonly Dictionary<string, string> constants = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal);

    public GraphProto Proto { get; } = new() { Name = "model" };

    /// <summary>A node with one output, which is called <paramref name="name"/> (made unique); returns that name.</summary>
    public string Node(string type, string name, IEnumerable<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        string output = Unique(name);
        Add(type, output, inputs, [output], attributes);
        return output;
    }

    /// <summary>The same of one of ONNX Runtime's own operators (onnxruntime/docs/ContribOperators.md).</summary>
    public string RuntimeNode(string type, string name, IEnumerable<string> inputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        string output = Node(type, name, inputs, attributes);
        Proto.Node[^1].Domain = RuntimeDomain;
        return output;
    }

    /// <summary>A node whose outputs are named already.</summary>
    public void Add(string type, string name, IEnumerable<string> inputs, IEnumerable<string> outputs, params ReadOnlySpan<AttributeProto> attributes)
    {
        NodeProto node = new() { OpType = type, Name = $"{name}/{type}" };
        node.Input.AddRange(inputs);
        node.Output.AddRange(outputs);
        foreach (AttributeProto attribute in attributes)
        {
            node.Attribute.Add(attribute);
        }

        Proto.Node.Add(node);
    }

    /// <summary>The name, or with a number behind it the first that is free.</summary>
    public string Unique(string name)
    {
        string unique = name;
        for (int i = 1; !names.Add(unique); i++)
        {
            unique = $"{name}.{i}";
        }

        return unique;
    }

    /// <summary>An int64 vector; its name tells its values where they are few.</summary>
    public string Integers(params ReadOnlySpan<long> values)
        => Constant(TensorProto.Types.DataType.Int64, [values.Length], MemoryMarshal.AsBytes(values), values.Length <= 8 ? string.Join('_', values.ToArray()) : $"of{values.Length}");

    /// <summary>A scalar of the given type: float32, float16 or int64.</summary>
    public string Scalar(TensorProto.Types.DataType type, double value)
    {
        byte[] bytes = type switch
        {
            TensorProto.Types.DataType.Float => BitConverter.GetBytes((float)value),
            TensorProto.Types.DataType.Float16 => BitConverter.GetBytes((Half)value),
            TensorProto.Types.DataType.Int64 => BitConverter.GetBytes((long)value),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no scalar of this type"),
        };
        return Constant(type, [], bytes, FormattableString.Invariant($"scalar_{value}"));
    }

    public string Reshape(string name, string input, params ReadOnlySpan<long> shape) => Node("Reshape", name, [input, Integers(shape)]);

    public string Transpose(string name, string input, params ReadOnlySpan<long> permutation) => Node("Transpose", name, [input], Attribute("perm", permutation));

    public string Cast(string name, string input, TensorProto.Types.DataType type) => Node("Cast", name, [input], Attribute("to", (long)type));

    /// <summary>Elements first … end − 1 along an axis, all int64.</summary>
    public string Slice(string name, string input, long axis, long first, long end)
        => Node("Slice", name, [input, Integers(first), Integers(end), Integers(axis)]);

    /// <summary>One dimension of a value, as an int64 scalar.</summary>
    public string Dimension(string name, string input, long axis)
        => Node("Gather", name, [Node("Shape", name + ".shape", [input]), Scalar(TensorProto.Types.DataType.Int64, axis)]);

    public static AttributeProto Attribute(string name, long value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Int, I = value };

    public static AttributeProto Attribute(string name, double value) => new() { Name = name, Type = AttributeProto.Types.AttributeType.Float, F = (float)value };

    public static AttributeProto Attribute(string name, string value)
        => new() { Name = name, Type = AttributeProto.Types.AttributeType.String, S = ByteString.CopyFromUtf8(value) };

    public static AttributeProto Attribute(string name, ReadOnlySpan<long> values)
    {
        AttributeProto attribute = new() { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        attribute.Ints.AddRange(values.ToArray());
        return attribute;
    }

    private string Constant(TensorProto.Types.DataType type, long[] shape, ReadOnlySpan<byte> bytes, string label)
    {
        string key = $"{type}{string.Join(',', shape)}:{Convert.ToHexString(bytes)}";
        if (!constants.TryGetValue(key, out string? name))
        {
            name = Unique($"const.{type}.{label}".ToLowerInvariant());
            TensorProto tensor = new() { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
            tensor.Dims.AddRange(shape);
            Proto.Initializer.Add(tensor);
            constants.Add(key, name);
        }

        return name;
    }
}
