using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Emit;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace ModelCompiler.EndToEnd.Tests.Emission;

/// <summary>What the JIT counts before it decides to optimise a method, read from the compiled assembly.</summary>
internal sealed record MethodSize(string Name, int IlBytes, int Instructions, int BasicBlocks, int Locals)
{
    private static readonly Dictionary<int, OpCode> opCodes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => (int)(ushort)code.Value);

    /// <summary>Every method with a body.</summary>
    public static IReadOnlyList<MethodSize> Of(byte[] assembly)
    {
        using PEReader file = new(ImmutableArray.Create(assembly));
        MetadataReader metadata = file.GetMetadataReader();
        List<MethodSize> sizes = [];
        foreach (MethodDefinition method in metadata.MethodDefinitions.Select(metadata.GetMethodDefinition).Where(method => method.RelativeVirtualAddress != 0))
        {
            MethodBodyBlock body = file.GetMethodBody(method.RelativeVirtualAddress);
            string type = metadata.GetString(metadata.GetTypeDefinition(method.GetDeclaringType()).Name);
            (int instructions, int blocks) = Count(body.GetILReader());
            sizes.Add(new($"{type}.{metadata.GetString(method.Name)}", body.GetILBytes()!.Length, instructions, blocks, CountLocals(metadata, body)));
        }

        return sizes;
    }

    private static int CountLocals(MetadataReader metadata, MethodBodyBlock body)
    {
        if (body.LocalSignature.IsNil)
        {
            return 0;
        }

        BlobReader signature = metadata.GetBlobReader(metadata.GetStandaloneSignature(body.LocalSignature).Signature);
        signature.ReadSignatureHeader();
        return signature.ReadCompressedInteger();
    }

    /// <summary>A block begins at the entry, at each target of a branch and after each branch.</summary>
    private static (int Instructions, int Blocks) Count(BlobReader il)
    {
        HashSet<int> begins = [0];
        int instructions = 0;
        while (il.RemainingBytes > 0)
        {
            instructions++;
            int first = il.ReadByte();
            OpCode code = opCodes[first == 0xFE ? 0xFE00 | il.ReadByte() : first];
            int[] targets = ReadTargets(ref il, code);
            begins.UnionWith(targets);
            if (targets.Length > 0 || code.FlowControl is FlowControl.Return or FlowControl.Throw)
            {
                begins.Add(il.Offset);
            }
        }

        begins.Remove(il.Offset);
        return (instructions, begins.Count);
    }

    private static int[] ReadTargets(ref BlobReader il, OpCode code)
    {
        switch (code.OperandType)
        {
            case OperandType.InlineNone:
                return [];
            case OperandType.ShortInlineBrTarget:
                int near = il.ReadSByte();
                return [il.Offset + near];
            case OperandType.InlineBrTarget:
                int far = il.ReadInt32();
                return [il.Offset + far];
            case OperandType.InlineSwitch:
                int[] targets = new int[il.ReadInt32()];
                for (int i = 0; i < targets.Length; i++)
                {
                    targets[i] = il.ReadInt32();
                }

                int end = il.Offset;
                return [.. targets.Select(target => end + target)];
            default:
                il.Offset += code.OperandType switch
                {
                    OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                    OperandType.InlineVar => 2,
                    OperandType.InlineI8 or OperandType.InlineR => 8,
                    _ => 4,
                };
                return [];
        }
    }
}
