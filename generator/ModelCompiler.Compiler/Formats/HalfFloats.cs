using System.Globalization;
using System.Runtime.CompilerServices;

namespace ModelCompiler.Compiler.Formats;

/// <summary>Conversions between float32 and the two 16-bit formats, in integers, so that they are the same on every runtime.</summary>
public static class HalfFloats
{
    /// <summary>Largest finite binary16.</summary>
    public const float LargestF16 = 65504f;

    /// <summary>Exact.</summary>
    public static float FromBF16(ushort bits) => FromBits((uint)bits << 16);

    /// <summary>Rounds to nearest, ties to even.</summary>
    public static ushort ToBF16(float value)
    {
        uint bits = ToBits(value);
        uint rounded = bits + 0x7FFF + ((bits >> 16) & 1);
        if ((rounded & 0x7F800000) == 0x7F800000)
        {
            throw CannotHold(value, "bf16");
        }

        return (ushort)(rounded >> 16);
    }

    /// <summary>Exact: the shifted bits, read as a float32, are the number times 2⁻¹¹², subnormals included. Infinities and NaN do not occur in packed weights, but do in files.</summary>
    public static float FromF16(ushort bits)
    {
        uint sign = (uint)(bits & 0x8000) << 16;
        uint magnitude = (uint)(bits & 0x7FFF) << 13;
        return (bits & 0x7C00) == 0x7C00
            ? FromBits(sign | 0x7F800000 | magnitude)
            : FromBits(sign | ToBits(FromBits(magnitude) * 5.192296858534828e33f));
    }

    /// <summary>Rounds to nearest, ties to even.</summary>
    public static ushort ToF16(float value)
    {
        uint bits = ToBits(value);
        uint sign = (bits >> 16) & 0x8000;
        uint magnitude = bits & 0x7FFFFFFF;
        if (magnitude >= 0x477FF000) // 65520: rounds to infinity
        {
            throw CannotHold(value, "f16");
        }

        if (magnitude < 0x38800000) // below 2^-14: subnormal; adding 0.5 lets the hardware round at the right bit
        {
            return (ushort)(sign | (ToBits(FromBits(magnitude) + 0.5f) - 0x3F000000));
        }

        return (ushort)(sign | ((magnitude + 0xFFF + ((magnitude >> 13) & 1) - 0x38000000) >> 13));
    }

    private static OverflowException CannotHold(float value, string format)
        => new($"the number {value.ToString("R", CultureInfo.InvariantCulture)} does not fit {format}");

    private static uint ToBits(float value) => Unsafe.As<float, uint>(ref value);

    private static float FromBits(uint bits) => Unsafe.As<uint, float>(ref bits);
}
