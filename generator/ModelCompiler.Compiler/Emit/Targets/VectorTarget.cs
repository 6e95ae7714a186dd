using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit.Targets;

/// <summary>
/// What differs between instruction sets, as C# text. Loads, stores, comparisons and shifts have the same names in
/// .NET's Vector128, Vector256 and Vector512; a new instruction set states its width and its fused multiply-add.
/// </summary>
internal abstract class VectorTarget(TargetSet set, int lanes)
{
    /// <summary>Which set this is.</summary>
    public TargetSet Set { get; } = set;

    /// <summary>The name of the runtime's enum member and of the emitted struct.</summary>
    public string Name => Set.ToString();

    /// <summary>float32 numbers in a register.</summary>
    public int Lanes { get; } = lanes;

    /// <summary>Registers that make sixteen lanes.</summary>
    public int PerSixteen => 16 / Lanes;

    /// <summary>The static class: Vector128, Vector256 or Vector512.</summary>
    public string Vector => "Vector" + (Lanes * 32);

    /// <summary>The type of a register of floats.</summary>
    public string Floats => Vector + "<float>";

    /// <summary>A C# condition that holds where this code can run; constant for the JIT and for NativeAOT.</summary>
    public abstract string IsSupported { get; }

    /// <summary>How the emitted struct's summary describes it.</summary>
    public abstract string Description { get; }

    /// <summary>a · b + c, rounded once.</summary>
    public abstract string Fma(string a, string b, string c);

    /// <summary>How it multiplies the integers of a block format.</summary>
    public abstract BlockDot Dot(BlockFormat format);

    /// <summary>A register of floats from as many bfloat16 at a byte pointer.</summary>
    public abstract string LoadScales(string pointer);

    /// <summary>Inputs that a tile loads at once: 1, or 4 where a lane of a register can be a factor.</summary>
    public virtual int InputsPerLoad => 1;

    /// <summary>Loads what <see cref="TileFma"/> needs of input <paramref name="input"/> of row <paramref name="row"/>, whose inputs of this turn begin at in{row}.</summary>
    public virtual string? TileLoadInput(int row, int input) => $"var x{row}_{input} = {Vector}.Create(in{row}[{input}]);";

    /// <summary>Accumulator + weight · input <paramref name="input"/> of row <paramref name="row"/>.</summary>
    public virtual string TileFma(int row, int input, string weight, string accumulator) => Fma($"x{row}_{input}", weight, accumulator);

    /// <summary>
    /// C# that interleaves the lower (or upper) halves of two registers' groups of 128 bits, a0 b0 a1 b1: floats or, of doubles, a0 b0. Arguments: a, b,
    /// whether the upper halves. Null where there is no such instruction.
    /// </summary>
    public virtual Func<string, string, bool, string>? Interleave => null;

    /// <summary>A C# condition that holds on the younger ones of the set's processors, where they are planned for apart; null: nowhere.</summary>
    public virtual string? Recent => null;

    /// <summary>C# that asks for the cache line at a pointer before it is needed; null where no plan asks, or C# has no such instruction.</summary>
    public virtual string? Prefetch(string pointer, PrefetchHint hint) => null;

    public string Load(string pointer) => $"{Vector}.Load({pointer})";

    public string Store(string value, string pointer) => $"{Vector}.Store({value}, {pointer});";

    public string Broadcast(string scalar) => $"{Vector}.Create({scalar})";

    /// <summary>All targets, best first.</summary>
    public static IReadOnlyList<VectorTarget> All { get; } = [new Avx512Target(), new Avx2Target(), new NeonTarget(), new PortableTarget()];

    /// <summary>The chosen targets, best first; all when none is chosen.</summary>
    public static IReadOnlyList<VectorTarget> Choose(EquatableArray<TargetSet> chosen)
        => chosen.Count == 0 ? All : [.. All.Where(target => chosen.Contains(target.Set))];
}
