using ModelCompiler.Compiler.Emit.Targets;

namespace ModelCompiler.Compiler.Formats;

/// <summary>
/// How the numbers of a weight matrix lie in the packed file. A format is a codec: packing encodes with it, the
/// reference decodes with it, emission asks it how to load a tile. One packed layout serves every instruction set.
/// <para>A matrix W [outputs × inputs] is cut into panels of <see cref="PanelColumns"/> outputs; the last panel may be
/// narrower, a multiple of 16. A panel holds, for k = 0, 1, …, the weights of all its outputs for input k side by side, so that
/// a kernel walks it from front to back as one stream, outputs across the lanes of a register. Inputs are padded with
/// zeros to a multiple of <see cref="InputMultiple"/>.</para>
/// </summary>
public abstract class WeightFormat
{
    /// <summary>The name in options and manifests, such as <c>bf16</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Outputs in a full panel: a multiple of 16.</summary>
    public virtual int PanelColumns => 64;

    /// <summary>Inputs are padded with zeros to a multiple of this.</summary>
    public virtual int InputMultiple => 16;

    /// <summary>Floats that a row of so many inputs takes in the arena, as this format's kernels read it.</summary>
    public virtual int InputFloats(int inputs) => inputs;

    /// <summary><paramref name="inputs"/> rounded up to <see cref="InputMultiple"/>.</summary>
    public int PadInputs(int inputs) => (inputs + InputMultiple - 1) / InputMultiple * InputMultiple;

    /// <summary>Bytes of a panel of <paramref name="columns"/> outputs (multiple of 16) and <paramref name="inputs"/> (multiple of <see cref="InputMultiple"/>): a multiple of 64.</summary>
    public abstract long PanelBytes(int inputs, int columns);

    /// <summary>
    /// Encodes one panel. <paramref name="weights"/>: [columns × inputs], row by row: weights[c · inputs + k].
    /// <paramref name="panel"/>: PanelBytes(inputs, columns) long. Throws <see cref="OverflowException"/>, naming the number,
    /// for a number that the format cannot hold.
    /// </summary>
    public abstract void EncodePanel(ReadOnlySpan<float> weights, int inputs, int columns, Span<byte> panel);

    /// <summary>The inverse of <see cref="EncodePanel"/>: what the kernels compute with, exactly.</summary>
    public abstract void DecodePanel(ReadOnlySpan<byte> panel, int inputs, int columns, Span<float> weights);

    /// <summary>Inputs that lie together, so that a kernel decodes them from one load: 1, or 2 for 16-bit pairs.</summary>
    internal abstract int InputsPerGroup { get; }

    /// <summary>The C# type that a kernel walks a panel with; a group of inputs of one output is one element.</summary>
    internal abstract string ElementType { get; }

    /// <summary>Whether a panel is made float32 once where many rows pass over it: formats that cost a tile instructions to widen.</summary>
    internal virtual bool Unpacks => false;

    /// <summary>Declarations of constants that <see cref="TileWeight"/> uses, before the loop of a tile.</summary>
    internal virtual IEnumerable<string> TileConstants(VectorTarget target) => [];

    /// <summary>
    /// C# for a register of weights, of input <paramref name="input"/> of a group. <paramref name="pointer"/>: the group's elements of the
    /// register's first output.
    /// </summary>
    internal abstract string TileWeight(VectorTarget target, string pointer, int input);

    /// <summary>C# for one weight as a float: input <paramref name="k"/> of output <paramref name="column"/> of a panel of <paramref name="columns"/>. All are C# expressions.</summary>
    internal abstract string ScalarWeight(string panel, string k, string column, string columns);

    /// <summary>The formats by name.</summary>
    public static IReadOnlyList<WeightFormat> All { get; } = [F32Format.Instance, F16Format.Instance, BF16Format.Instance, Q8Format.Instance, Q4Format.Instance];

    /// <summary>The format of that name, or null.</summary>
    public static WeightFormat? Find(string name) => All.FirstOrDefault(format => format.Name == name);
}
