namespace ModelCompiler.Runtime;

/// <content>The numbers themselves: as the emitted code stores and reads them, one head at one position, for carrying them over and for looking at them.</content>
public sealed partial class CacheLayout
{
    /// <summary>Numbers of a q8 cache that share a scale.</summary>
    private const int GroupNumbers = 32;

    /// <summary>2^−100 as bfloat16: the smallest scale of a q8 cache.</summary>
    private const uint SmallestScale = 0x0D80;

    private int CodeBits => 32 / positionsPerWord;

    /// <summary>Rows of 64 words that hold the scales of the keys, and as many those of the values.</summary>
    private int ScaleRows => (positionRows - (headWords / positionsPerWord)) / 2;

    /// <summary>Stores a key and a value, each at most as long as a head, in the block of their head and layer.</summary>
    internal unsafe void Store(uint* block, int position, ReadOnlySpan<float> key, ReadOnlySpan<float> value)
    {
        Span<uint> codes = stackalloc uint[headWords];
        Encode(key, codes, Scales(block, 0, position));
        for (int i = 0; i < headWords; i++)
        {
            Put(ref block[(i / positionsPerWord * PagePositions) + position], i % positionsPerWord, codes[i]);
        }

        Encode(value, codes, Scales(block, 1, position));
        for (int i = 0; i < headWords; i++)
        {
            Put(ref ValueWord(block, position, i), position % positionsPerWord, codes[i]);
        }
    }

    /// <summary>The numbers that attention reads.</summary>
    internal unsafe void Load(uint* block, int position, Span<float> key, Span<float> value)
    {
        for (int i = 0; i < key.Length; i++)
        {
            uint keyWord = block[(i / positionsPerWord * PagePositions) + position];
            key[i] = Decode(keyWord >> (i % positionsPerWord * CodeBits), Scales(block, 0, position), i);
            value[i] = Decode(ValueWord(block, position, i) >> (position % positionsPerWord * CodeBits), Scales(block, 1, position), i);
        }
    }

    private unsafe ref uint ValueWord(uint* block, int position, int element)
        => ref block[(positionRows * PagePositions) + (position / positionsPerWord * headWords) + element];

    /// <summary>The scale of group 0 of keys (0) or values (1); null: the format has none.</summary>
    private unsafe ushort* Scales(uint* block, int table, int position)
        => ScaleRows == 0 ? null : (ushort*)(block + (((headWords / positionsPerWord) + (table * ScaleRows)) * PagePositions) + position);

    private static int ScaleIndex(int group) => (group / 2 * PagePositions * 2) + (group % 2);

    private unsafe void Encode(ReadOnlySpan<float> numbers, Span<uint> codes, ushort* scales)
    {
        codes.Clear();
        for (int first = 0; first < codes.Length; first += GroupNumbers)
        {
            Span<uint> group = codes[first..Math.Min(first + GroupNumbers, codes.Length)];
            ReadOnlySpan<float> some = first < numbers.Length ? numbers[first..Math.Min(first + GroupNumbers, numbers.Length)] : [];
            float inverse = 1;
            if (scales is not null)
            {
                uint scale = ScaleOf(some);
                scales[ScaleIndex(first / GroupNumbers)] = (ushort)scale;
                inverse = 1f / BitConverter.UInt32BitsToSingle(scale << 16);
            }

            for (int i = 0; i < some.Length; i++)
            {
                group[i] = Code(some[i], inverse);
            }
        }
    }

    /// <summary>max |x| / 127 as bfloat16, rounded up.</summary>
    private static uint ScaleOf(ReadOnlySpan<float> numbers)
    {
        uint most = 0;
        foreach (float number in numbers)
        {
            most = Math.Max(most, BitConverter.SingleToUInt32Bits(number) & 0x7FFFFFFF);
        }

        return Math.Max((BitConverter.SingleToUInt32Bits(BitConverter.UInt32BitsToSingle(most) / 127f) + 0xFFFF) >> 16, SmallestScale);
    }

    private uint Code(float number, float inverse)
    {
        uint bits = BitConverter.SingleToUInt32Bits(number);
        return positionsPerWord switch
        {
            1 => bits,
            2 => (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16,
            _ => (byte)(int)Math.Round((double)number * inverse), // the product has 48 bits: rounded once
        };
    }

    private unsafe float Decode(uint code, ushort* scales, int element) => positionsPerWord switch
    {
        1 => BitConverter.UInt32BitsToSingle(code),
        2 => BitConverter.UInt32BitsToSingle(code << 16),
        _ => (sbyte)code * BitConverter.UInt32BitsToSingle((uint)scales[ScaleIndex(element / GroupNumbers)] << 16),
    };

    private void Put(ref uint word, int index, uint code)
    {
        uint mask = CodeBits == 32 ? uint.MaxValue : (1u << CodeBits) - 1;
        word = (word & ~(mask << (index * CodeBits))) | ((code & mask) << (index * CodeBits));
    }
}
