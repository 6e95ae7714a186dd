using ModelCompiler.Compiler.Formats;

namespace ModelCompiler.Compiler.Plan;

/// <summary>Into how many equal blocks the inner dimension of a product is cut.</summary>
internal static class InputBlocks
{
    /// <summary>Bytes of a panel's block that stay in a 1 MiB L2 cache beside the rows that pass over it.</summary>
    public const long BlockBytes = 512 * 1024;

    /// <summary>Inputs below which a block costs more in reloaded accumulators than it saves; without a divisor above, the dimension stays whole.</summary>
    private const int ShortestBlock = 256;

    /// <summary>As few as let a block of a panel stay in the cache while all rows pass over it.</summary>
    public static int Of(PackedMatrix matrix)
    {
        WeightFormat format = matrix.Format.Unpacks ? F32Format.Instance : matrix.Format; // what rows pass over
        int units = matrix.PaddedInputs / matrix.Format.InputMultiple;
        for (int blocks = 1; blocks <= units && matrix.PaddedInputs / blocks >= ShortestBlock; blocks++)
        {
            if (units % blocks == 0 && format.PanelBytes(matrix.PaddedInputs / blocks, format.PanelColumns) <= BlockBytes)
            {
                return blocks;
            }
        }

        return 1;
    }
}
