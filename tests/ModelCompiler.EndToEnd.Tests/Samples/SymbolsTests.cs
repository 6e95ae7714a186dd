using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Security.Cryptography;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>What a debugger needs to stop in an emitted layer: its source, which is in no folder, and where each of its lines lies in the code.</summary>
public sealed class SymbolsTests
{
    private static readonly Guid embeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    /// <summary>Four bytes say how long the text is when it is inflated; 0: it lies there as it is.</summary>
    private static byte[] Text(byte[] blob)
    {
        if (BitConverter.ToInt32(blob) == 0)
        {
            return blob[sizeof(int)..];
        }

        using DeflateStream inflated = new(new MemoryStream(blob, sizeof(int), blob.Length - sizeof(int)), CompressionMode.Decompress);
        using MemoryStream text = new();
        inflated.CopyTo(text);
        return text.ToArray();
    }

    [Fact]
    public void ABreakpointHoldsInEveryLayer()
    {
        string program = typeof(HelloModel).Assembly.Location;
        using PEReader image = new(File.OpenRead(program));
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(program, ".pdb")));
        MetadataReader code = image.GetMetadataReader(), symbols = provider.GetMetadataReader();
        using HelloModel model = HelloModel.Load();
        for (int layer = 0; layer < model.Description.Layers; layer++)
        {
            DocumentHandle document = Assert.Single(symbols.Documents, handle => symbols.GetString(symbols.GetDocument(handle).Name).EndsWith($"HelloModel.Layer{layer:00}.g.cs", StringComparison.Ordinal));
            CustomDebugInformation source = symbols.GetCustomDebugInformation(document).Select(symbols.GetCustomDebugInformation).Single(information => symbols.GetGuid(information.Kind) == embeddedSource);
            Assert.Equal(symbols.GetBlobBytes(symbols.GetDocument(document).Hash), SHA256.HashData(Text(symbols.GetBlobBytes(source.Value)))); // a debugger refuses any other text
            foreach (string part in (string[])["Attention", "FeedForward"])
            {
                MethodDefinitionHandle method = Assert.Single(code.MethodDefinitions, handle => code.GetString(code.GetMethodDefinition(handle).Name) == $"RunLayer{layer:00}{part}");
                MethodDebugInformation lines = symbols.GetMethodDebugInformation(method.ToDebugInformationHandle());
                Assert.Equal(document, lines.Document);
                Assert.True(lines.GetSequencePoints().Count(point => !point.IsHidden) > 5);
            }
        }
    }
}
