using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace ModelCompiler.Debugger;

/// <summary>The portable symbols beside an assembly: from a line to a place in the code and back.</summary>
internal sealed class Symbols : IDisposable
{
    private readonly PEReader image;
    private readonly MetadataReaderProvider provider;
    private readonly MetadataReader code, symbols;

    public Symbols(string program)
    {
        image = new PEReader(File.OpenRead(program));
        provider = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(program, ".pdb")));
        (code, symbols) = (image.GetMetadataReader(), provider.GetMetadataReader());
    }

    /// <summary>Where the code of a line begins.</summary>
    /// <exception cref="ArgumentException">The file has no code there.</exception>
    public CodePlace Find(string file, int line)
    {
        foreach (MethodDebugInformationHandle method in symbols.MethodDebugInformation)
        {
            foreach (SequencePoint point in Points(method))
            {
                if (point.StartLine == line && NameOf(point) == file)
                {
                    return new(MetadataTokens.GetToken(method.ToDefinitionHandle()), point.Offset);
                }
            }
        }

        throw new ArgumentException($"'{file}' has no code that begins in line {line}.");
    }

    /// <summary>FILE:LINE in TYPE.METHOD.</summary>
    public string Describe(CodePlace place)
    {
        MethodDefinitionHandle handle = (MethodDefinitionHandle)MetadataTokens.EntityHandle(place.Method);
        SequencePoint point = Points(handle.ToDebugInformationHandle()).Last(point => point.Offset <= place.Offset);
        MethodDefinition method = code.GetMethodDefinition(handle);
        string type = code.GetString(code.GetTypeDefinition(method.GetDeclaringType()).Name);
        return $"{NameOf(point)}:{point.StartLine} in {type}.{code.GetString(method.Name)}";
    }

    public void Dispose()
    {
        provider.Dispose();
        image.Dispose();
    }

    private IEnumerable<SequencePoint> Points(MethodDebugInformationHandle method)
    {
        MethodDebugInformation information = symbols.GetMethodDebugInformation(method);
        return information.SequencePointsBlob.IsNil ? [] : information.GetSequencePoints().Where(point => !point.IsHidden);
    }

    private string NameOf(SequencePoint point) => Path.GetFileName(symbols.GetString(symbols.GetDocument(point.Document).Name));
}
