using ModelCompiler.Compiler.Emit;
using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Formats;

/// <summary>
/// How the numbers of keys and values lie in the cache. A format is a codec, as a <see cref="WeightFormat"/> is: emission asks it how to
/// store a head and how to load a tile, the reference rounds with it, the runtime is told the layout that follows from it.
/// <para>All is 32-bit words of <see cref="NumbersPerWord"/> codes, the first in the lowest bits, so that a kernel takes them apart with shifts
/// and masks alone, on any processor. A page holds for each layer and key/value head one block (<see cref="CacheBlock"/>): keys transposed, their
/// scales, the scales of the values, the values. A word of keys holds consecutive elements of one position, a word of values one element of
/// consecutive positions: in both, consecutive steps of the inner dimension of attention's products.</para>
/// <para>A code times its scale is a float32 exactly. Attention thus computes with the rounded numbers, whether it takes words apart in a
/// register or a whole page beforehand: the same bits, those of an f32 cache that holds what <see cref="Round"/> makes of each head.</para>
/// </summary>
public abstract class CacheFormat
{
    /// <summary>The name in options and manifests, such as <c>bf16</c>.</summary>
    public abstract string Name { get; }

    /// <summary>Codes in a 32-bit word: 1, 2 or 4.</summary>
    public abstract int NumbersPerWord { get; }

    /// <summary>Rounds the numbers of one head at one position, padded to a multiple of 16, to what attention will read.</summary>
    public abstract void Round(Span<float> head);

    /// <summary>Numbers that share a scale; 0: there are none.</summary>
    public virtual int GroupSize => 0;

    /// <summary>The C# type of a code.</summary>
    internal abstract string CodeType { get; }

    /// <summary>
    /// Writes the body of a method <c>(float* x, uint* codes, ushort* scales)</c> that encodes one head of <paramref name="headDim"/> numbers
    /// (padded): code i to codes[i], where its lowest bits count; the scale of group g to scales[<see cref="CacheBlock.ScaleIndex"/>(g)].
    /// </summary>
    internal abstract void WriteEncode(KernelSet set, SourceWriter writer, int headDim);

    /// <summary>Declarations of constants that <see cref="Number"/> uses, before a loop.</summary>
    internal virtual IEnumerable<string> Constants(VectorTarget target) => [];

    /// <summary>C# for code <paramref name="index"/> of each word of a register <paramref name="words"/> (a Vector of uint), as floats, without its scale.</summary>
    internal abstract string Number(VectorTarget target, string words, int index);

    /// <summary>The formats by name.</summary>
    public static IReadOnlyList<CacheFormat> All { get; } = [F32Cache.Instance, BF16Cache.Instance, Q8Cache.Instance];

    /// <summary>The format of that name, or null.</summary>
    public static CacheFormat? Find(string name) => All.FirstOrDefault(format => format.Name == name);
}

/// <summary>float32 as computed: nothing is rounded.</summary>
public sealed class F32Cache : CacheFormat
{
    /// <summary>The one instance.</summary>
    public static F32Cache Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "f32";

    /// <inheritdoc/>
    public override int NumbersPerWord => 1;

    /// <inheritdoc/>
    public override void Round(Span<float> head)
    {
    }

    internal override string CodeType => "uint";

    internal override void WriteEncode(KernelSet set, SourceWriter writer, int headDim)
        => writer.Line($"new Span<uint>(x, {headDim}).CopyTo(new Span<uint>(codes, {headDim}));");

    internal override string Number(VectorTarget target, string words, int index) => $"{words}.AsSingle()";
}

/// <summary>bfloat16, the upper half of a float32, to nearest even.</summary>
public sealed class BF16Cache : CacheFormat
{
    /// <summary>The one instance.</summary>
    public static BF16Cache Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "bf16";

    /// <inheritdoc/>
    public override int NumbersPerWord => 2;

    /// <inheritdoc/>
    public override void Round(Span<float> head)
    {
        foreach (ref float number in head)
        {
            number = HalfFloats.FromBF16(HalfFloats.ToBF16(number));
        }
    }

    internal override string CodeType => "ushort";

    internal override void WriteEncode(KernelSet set, SourceWriter writer, int headDim)
    {
        VectorTarget t = set.Target;
        writer.Open($"for (nint i = 0; i < {headDim}; i += {t.Lanes})");
        writer.Line($"var bits = {t.Load("x + i")}.AsUInt32();");
        writer.Line($"var rounded = bits + {t.Broadcast("0x7FFFu")} + ((bits >> 16) & {t.Vector}<uint>.One);");
        writer.Line(t.Store("rounded >> 16", "codes + i"));
        writer.Close();
    }

    internal override IEnumerable<string> Constants(VectorTarget target) => [$"var upperHalf = {target.Vector}.Create(0xFFFF0000u);"];

    internal override string Number(VectorTarget target, string words, int index) => index == 0 ? $"({words} << 16).AsSingle()" : $"({words} & upperHalf).AsSingle()";
}
