using ModelCompiler.Compiler.Emit;

namespace ModelCompiler.Compiler.Tests.Emit;

/// <summary>Nothing that comes from a file can leave the literal or the comment that it is put into.</summary>
public class LiteralsTests
{
    [Theory]
    [InlineData("plain", "\"plain\"")]
    [InlineData("a\"; System.Environment.Exit(1); //", "\"a\\\"; System.Environment.Exit(1); //\"")]
    [InlineData("back\\slash", "\"back\\\\slash\"")]
    [InlineData("line\nend\r\u2028\u0085", "\"line\\u000aend\\u000d\\u2028\\u0085\"")]
    [InlineData("金", "\"\\u91d1\"")]
    public void A_string_stays_a_string(string value, string expected) => Assert.Equal(expected, Literals.String(value));

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\rb")]
    [InlineData("a\u2028b")]
    [InlineData("a\u2029b")]
    [InlineData("a\u0085b")]
    [InlineData("a\u000bb")]
    public void A_comment_stays_on_its_line(string value) => Assert.Equal("a b", Literals.Comment(value));

    [Fact]
    public void Documentation_is_no_markup() => Assert.Equal("&lt;/summary&gt; &amp;", Literals.Documentation("</summary> &"));

    [Theory]
    [InlineData(1e-5, "1E-05f")]
    [InlineData(0.1, "0.1f")]
    [InlineData(1 / 3.0, "0.33333334f")]
    [InlineData(-16777216, "-16777216f")]
    public void A_float_is_as_short_as_it_can_be(double value, string expected) => Assert.Equal(expected, Literals.Float(value));

    [Fact]
    public void Every_float_reads_back_to_its_bits()
    {
        Random random = new(5);
        for (int i = 0; i < 100_000; i++)
        {
            float value = BitConverter.Int32BitsToSingle(random.Next(int.MinValue, int.MaxValue));
            if (float.IsFinite(value))
            {
                Assert.Equal(value, float.Parse(Literals.Float(value)[..^1], System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }
}
