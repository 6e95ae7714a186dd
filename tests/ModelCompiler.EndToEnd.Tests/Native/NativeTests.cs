using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;

namespace ModelCompiler.EndToEnd.Tests.Native;

/// <summary>Published with NativeAOT, on this processor and under emulation, and with parts of it switched off: the bits of this process.</summary>
public class NativeTests(NativeProgram program)
{
    internal const string ArmLibraries = "/usr/aarch64-linux-gnu";

    [Fact]
    public void NativeAotWithAvx512()
    {
        Engines.Require(InstructionSet.Avx512);
        Compare(RunHere("x86-64-v4"), InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Portable);
    }

    [Fact]
    public void NativeAotWithAvx2()
    {
        Engines.Require(InstructionSet.Avx2);
        Compare(RunHere("x86-64-v3"), InstructionSet.Avx2, InstructionSet.Portable);
    }

    [Fact]
    public void NativeAotWithNeon()
    {
        RequireArmTools();
        Dictionary<(string Model, InstructionSet Set), float[]> actual = program.Run("qemu-aarch64-static", ["-L", ArmLibraries, program.PublishForArm()]);
        int compared = 0;
        foreach ((string model, float[] expected) in program.Expected(all: true))
        {
            Bits.AssertEqual(expected, actual[(model, InstructionSet.Neon)], $"{model} on {InstructionSet.Neon}");
            compared++;
        }

        foreach ((string model, float[] expected) in program.Expected())
        {
            Bits.AssertEqual(expected, actual[(model, InstructionSet.Portable)], $"{model} on {InstructionSet.Portable}");
            compared++;
        }

        foreach ((string model, float[] expected) in program.ExpectedTrainings())
        {
            foreach (InstructionSet set in (InstructionSet[])[InstructionSet.Neon, InstructionSet.Portable])
            {
                Bits.AssertEqual(expected, actual[(model, set)], $"{model} on {set}");
                compared++;
            }
        }

        Assert.Equal(actual.Count, compared);
    }

    /// <summary>The block formats on an Arm processor without dot-product instructions.</summary>
    [Fact]
    public void NativeAotWithNeonWithoutDotProducts()
    {
        RequireArmTools();
        Dictionary<(string Model, InstructionSet Set), float[]> actual = program.Run(
            "qemu-aarch64-static", ["-cpu", "cortex-a53", "-L", ArmLibraries, program.PublishForArm()], new() { ["CONFORMANCE_ONLY"] = "_q8,_q4" });
        (string Model, float[] Result)[] expected = [.. program.Expected(all: true).Concat(program.ExpectedTrainings()).Where(model => model.Model.EndsWith("_q8") || model.Model.EndsWith("_q4"))];
        Assert.NotEmpty(expected);
        foreach ((string model, float[] result) in expected)
        {
            Bits.AssertEqual(result, actual[(model, InstructionSet.Neon)], $"{model} on {InstructionSet.Neon} without dot products");
        }
    }

    /// <summary>Without AVX-512 the JIT has 16 registers for AVX2's code, without AVX no fused multiply-add in hardware at all.</summary>
    [Theory]
    [InlineData("DOTNET_EnableAVX512", new[] { InstructionSet.Avx2, InstructionSet.Portable })]
    [InlineData("DOTNET_EnableAVX", new[] { InstructionSet.Portable })]
    public void JitWithoutPartsOfTheProcessor(string off, InstructionSet[] left)
    {
        Engines.Require(InstructionSet.Avx2);
        Compare(program.Run("dotnet", ["exec", program.ForJit], new() { [off] = "0" }), left);
    }

    /// <summary>x86 without its dot-product extension, which processors before Zen 5 and Sapphire Rapids have not.</summary>
    [Fact]
    public void JitOfAnOlderProcessor()
    {
        Engines.Require(InstructionSet.Avx512);
        Compare(program.Older.Results, InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Portable);
    }

    internal static void RequireArmTools()
    {
        foreach (string tool in (string[])["clang", "lld", "aarch64-linux-gnu-objcopy", "aarch64-linux-gnu-objdump", "qemu-aarch64-static"])
        {
            Require(tool);
        }

        Assert.SkipUnless(Directory.Exists(ArmLibraries), $"The libraries of libc6-dev-arm64-cross are not in {ArmLibraries}.");
    }

    private static void Require(string tool) => Assert.SkipUnless(ChildProcess.Exists(tool), $"{tool} is not installed.");

    private Dictionary<(string Model, InstructionSet Set), float[]> RunHere(string instructionSet)
    {
        Require("clang");
        return program.Run(program.Publish("linux-x64", instructionSet), []);
    }

    private void Compare(Dictionary<(string Model, InstructionSet Set), float[]> actual, params InstructionSet[] sets)
    {
        Assert.Equal(sets.Order(), actual.Keys.Select(key => key.Set).Distinct().Order());
        foreach ((string model, float[] expected) in program.Expected().Concat(program.ExpectedTrainings()))
        {
            foreach (InstructionSet set in sets)
            {
                Bits.AssertEqual(expected, actual[(model, set)], $"{model} on {set}");
            }
        }
    }
}
