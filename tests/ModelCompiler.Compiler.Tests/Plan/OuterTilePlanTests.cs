using ModelCompiler.Compiler.Plan.Training;

namespace ModelCompiler.Compiler.Tests.Plan;

public sealed class OuterTilePlanTests
{
    [Theory]
    [InlineData(320, 5, 80)] // 20 items: fewer than wanted, but no fewer than 80 inputs
    [InlineData(320, 15, 160)] // 30
    [InlineData(320, 27, 160)] // 54 rather than 27
    [InlineData(864, 5, 144)] // 30
    [InlineData(768, 36, 768)]
    [InlineData(320, 501, 320)] // an odd number, but many
    [InlineData(16, 1, 16)]
    public void ItemsAreEnoughAndEvenWhereACutGivesIt(int inputs, int panels, int block) => Assert.Equal(block, OuterTilePlan.InputBlock(inputs, panels));

    [Fact]
    public void BlocksAreWholeLinesOfAtLeastEightyInputs()
    {
        for (int inputs = 16; inputs <= 4096; inputs += 16)
        {
            foreach (int panels in new[] { 1, 3, 5, 12, 27, 64, 501 })
            {
                int block = OuterTilePlan.InputBlock(inputs, panels);
                Assert.True(block % 16 == 0 && block <= inputs && block >= Math.Min(inputs, 80), $"{inputs} inputs, {panels} panels: {block}");
            }
        }
    }
}
