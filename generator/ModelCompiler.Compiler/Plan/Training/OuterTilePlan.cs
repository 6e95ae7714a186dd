namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>
/// How dW[inputs × outputs] += Σ over rows x[row, input] · dy[row, output] is cut. A tile is that of a product with the roles of rows and inputs
/// exchanged, so it has the shape of <see cref="TilePlan"/>: inputs where rows are there, outputs across the lanes, rows as the inner dimension.
/// </summary>
public static class OuterTilePlan
{
    /// <summary>
    /// Rows whose dy columns are copied together: 64 outputs of them stay in the first-level cache while tile after tile of inputs passes.
    /// </summary>
    public const int RowBlock = 64;

    /// <summary>
    /// A block of inputs is a multiple of this: whole tiles of six and of four, whole cache lines.
    /// </summary>
    private const int InputMultiple = 48;

    /// <summary>Items that a stage should have: with some ten threads the last one to finish costs little.</summary>
    private const int WantedItems = 64;

    /// <summary>Inputs of an item of a weight gradient: all, or a multiple of 48 (at least 96) where <paramref name="panels"/> alone are few items.</summary>
    public static int InputBlock(int inputs, int panels)
    {
        int blocks = (WantedItems + panels - 1) / panels;
        int block = Math.Max(2, (inputs + (InputMultiple * blocks) - 1) / (InputMultiple * blocks)) * InputMultiple;
        return Math.Min(block, inputs);
    }
}
