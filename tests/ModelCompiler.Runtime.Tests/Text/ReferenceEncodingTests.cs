using System.Text;
using ModelCompiler.Runtime.Text;

namespace ModelCompiler.Runtime.Tests.Text;

/// <summary>Published tokenizers give the ids of the independent reference, and decode to its text.</summary>
public sealed class ReferenceEncodingTests
{
    [Theory]
    [InlineData("gpt2")]
    [InlineData("minimind-zh")]
    [InlineData("stories260K")]
    public void Encodes_as_the_reference(string name)
    {
        Tokenizer tokenizer = PublishedTokenizers.Open(name);
        foreach (PublishedTokenizers.Encoding expected in PublishedTokenizers.Encodings(name))
        {
            Assert.Equal(expected.Ids, tokenizer.Encode(expected.Text, addSpecialTokens: false));
            Assert.Equal(expected.IdsWithSpecial, tokenizer.Encode(expected.Text));
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("minimind-zh")]
    [InlineData("stories260K")]
    public void Decodes_as_the_reference_in_one_piece_and_streamed(string name)
    {
        Tokenizer tokenizer = PublishedTokenizers.Open(name);
        foreach (PublishedTokenizers.Encoding expected in PublishedTokenizers.Encodings(name))
        {
            Assert.Equal(expected.Decoded, tokenizer.Decode(expected.Ids, skipSpecialTokens: false));
            StreamingDecoder decoder = tokenizer.CreateDecoder(skipSpecialTokens: false);
            var streamed = new StringBuilder();
            foreach (int id in expected.Ids)
            {
                string piece = decoder.Append(id);
                Assert.DoesNotContain('\uFFFD', piece);
                streamed.Append(piece);
            }

            streamed.Append(decoder.Flush());
            Assert.Equal(expected.Decoded, streamed.ToString());
        }
    }
}
