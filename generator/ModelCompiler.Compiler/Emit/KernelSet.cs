using ModelCompiler.Compiler.Emit.Targets;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Emit;

/// <summary>Which emitted file of an instruction set a method goes to.</summary>
internal enum KernelFile
{
    /// <summary>What layers call.</summary>
    Kernels,

    /// <summary>Register tiles.</summary>
    Tiles,

    /// <summary>exp, tanh, erf and sums over lanes.</summary>
    Math,
}

/// <summary>
/// The methods of one instruction set, emitted on demand: a writer asks for a helper by name and gets it once, however many ask.
/// </summary>
internal sealed class KernelSet(VectorTarget target)
{
    private readonly HashSet<string> known = [];
    private readonly Dictionary<KernelFile, SourceWriter> files = [];

    /// <summary>The instruction set.</summary>
    public VectorTarget Target { get; } = target;

    /// <summary>The files that have content.</summary>
    public IEnumerable<KernelFile> Files => files.Keys.OrderBy(file => file);

    /// <summary>Text of the members of a file.</summary>
    public SourceWriter Members(KernelFile file)
    {
        if (!files.TryGetValue(file, out SourceWriter? writer))
        {
            writer = new SourceWriter();
            files.Add(file, writer);
        }

        return writer;
    }

    /// <summary>Makes sure that a method exists and returns its name. <paramref name="write"/> may ask for further methods.</summary>
    public string Require(KernelFile file, string name, Action<SourceWriter> write)
    {
        if (known.Add(name))
        {
            SourceWriter own = new(); // a helper that is asked for while this one is written must not land inside it
            write(own);
            Members(file).Line().Line(own.ToString().TrimEnd('\n'));
        }

        return name;
    }
}
