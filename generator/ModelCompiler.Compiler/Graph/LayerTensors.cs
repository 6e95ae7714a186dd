using System.Globalization;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Graph;

/// <summary>How many layers the config asks for, and how many the weight files hold.</summary>
internal sealed class LayerTensors(ModelInputs inputs, Size count, string prefix)
{
    /// <summary>What the config says, and where.</summary>
    public Size Count { get; } = count;

    /// <summary>What stands before a layer's number in the names of its tensors.</summary>
    public string Prefix { get; } = prefix;

    /// <summary>One more than the highest layer that has a tensor; 0: no tensor is named so.</summary>
    public int Held { get; } = CountHeld(inputs, prefix);

    private static int CountHeld(ModelInputs inputs, string prefix)
    {
        int highest = -1;
        foreach (TensorInfo tensor in inputs.Tensors.Where(tensor => tensor.Name.StartsWith(prefix, StringComparison.Ordinal)))
        {
            int end = tensor.Name.IndexOf('.', prefix.Length);
            if (end > 0 && int.TryParse(tensor.Name.Substring(prefix.Length, end - prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int layer))
            {
                highest = Math.Max(highest, layer);
            }
        }

        return highest + 1;
    }
}
