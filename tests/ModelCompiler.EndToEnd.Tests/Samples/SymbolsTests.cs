using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace ModelCompiler.EndToEnd.Tests.Samples;

/// <summary>What a debugger needs to stop in an emitted layer: its source, which is in no folder, and where each of its lines lies in the code.</summary>
public sealed class SymbolsTests
{
    private static readonly Guid embeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

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
            Assert.Contains(symbols.GetCustomDebugInformation(document), handle => symbols.GetGuid(symbols.GetCustomDebugInformation(handle).Kind) == embeddedSource);
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
