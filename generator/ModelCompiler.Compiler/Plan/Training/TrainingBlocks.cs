namespace ModelCompiler.Compiler.Plan.Training;

/// <summary>Blocks that training's products are cut into.</summary>
internal static class TrainingBlocks
{
    private const int PanelColumns = 64;

    /// <summary>Logits that exist at a time: enough rows that a pass over the head's matrix and its gradient hides behind their arithmetic.</summary>
    private const long LogitsBytes = 32L << 20;

    private const int MostLossRows = 516;

    /// <summary>Whole tiles of rows of every instruction set.</summary>
    public const int RowMultiple = 12;

    /// <summary>Outputs of a matrix whose 64 columns of inputs, transposed, stay in the L2 cache while all rows pass over them: equal blocks, in whole panels.</summary>
    public static int Outputs(PackedMatrix matrix)
    {
        int outputs = matrix.Parts.Count * matrix.PaddedOutputs;
        int most = (int)(InputBlocks.BlockBytes / (PanelColumns * sizeof(float)));
        int blocks = (outputs + most - 1) / most;
        int each = (outputs + blocks - 1) / blocks;
        return (each + PanelColumns - 1) / PanelColumns * PanelColumns;
    }

    /// <summary>Rows ahead that are asked for where a few columns of all rows are added: no prefetcher follows a column from page to page. 0: none.</summary>
    public static int RowsAhead(TargetSet target) => target == TargetSet.Avx512 ? 12 : 0;

    /// <summary>Rows whose logits exist at a time.</summary>
    public static int LossRows(int vocabStride)
        => (int)Math.Max(1, Math.Min(MostLossRows, LogitsBytes / (4L * vocabStride)) / RowMultiple) * RowMultiple;
}
