using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;
using ModelCompiler.EndToEnd.Tests.Conformance;
using ModelCompiler.Runtime;

namespace ModelCompiler.EndToEnd.Tests.Native;

/// <summary>
/// The full tile of each instruction set, as the JIT and NativeAOT compile it: the multiply-adds that it should have, and nothing of its
/// inner loop in memory but weights and inputs.
/// </summary>
public partial class MachineCodeTests(NativeProgram program, ITestOutputHelper output)
{
    /// <summary>Rows × registers of the tile are its accumulators; each meets every input of a turn of the loop.</summary>
    [Theory]
    [InlineData("Avx512", "F32", 6, "zmm", 4)]
    [InlineData("Avx512", "F16", 5, "zmm", 4)]
    [InlineData("Avx512", "BF16", 5, "zmm", 4)]
    [InlineData("Avx512", "Q8Plain", 6, "zmm", 2, "vpmaddwd")]
    [InlineData("Avx512", "Q4", 6, "zmm", 2, "vpmadd")]
    [InlineData("Avx2", "Q8Plain", 5, "ymm", 1, "vpmaddwd")]
    [InlineData("Avx2", "Q4", 5, "ymm", 1, "vpmadd")]
    [InlineData("Avx2", "F32", 6, "ymm", 2)]
    [InlineData("Avx2", "F16", 6, "ymm", 2)]
    [InlineData("Avx2", "BF16", 6, "ymm", 2)]
    [InlineData("Portable", "F32", 4, "xmm", 4)]
    [InlineData("Portable", "F16", 4, "xmm", 4)]
    [InlineData("Portable", "BF16", 4, "xmm", 4)]
    public void JitKeepsAFullTileInRegisters(string target, string format, int rows, string register, int registers, string instruction = "vfmadd")
    {
        Engines.Require(Enum.Parse<InstructionSet>(target));
        Engines.Require(InstructionSet.Avx2);
        AssertInRegisters(program.Older, $@"\+{target}Kernels:Tile{rows}x\w*x64{format.Replace("Plain", "(Add)?Plain")}(Add)?\(", rows, register, registers, instruction);
    }

    /// <summary>The same with the dot-product extension, whose own encoding reaches sixteen registers only; nothing to see on a processor without it.</summary>
    [Theory]
    [InlineData("Avx512", 6, 2, 18)] // known: nine registers that outlive a group's 96 products, the float sums among them, lie on the stack meanwhile
    [InlineData("Avx2", 5, 1, 0)]
    public void JitKeepsDotProductsInRegisters(string target, int rows, int registers, int spills)
    {
        Engines.Require(Enum.Parse<InstructionSet>(target));
        if (AvxVnni.IsSupported)
        {
            AssertInRegisters(program.Here, $@"\+{target}Kernels:Tile{rows}x\w*x64Q8\(", rows, "ymm", registers, "vpdpbusd", spills);
        }
    }

    private void AssertInRegisters(JitRun run, string pattern, int rows, string register, int registers, string instruction, int known = 0)
    {
        Regex tile = new(pattern);
        List<(string Method, string[] Lines)> tiles = [.. run.Tiles.Where(item => tile.IsMatch(item.Method))];
        Assert.NotEmpty(tiles);
        List<string> faults = [];
        foreach ((string method, string[] listing) in tiles)
        {
            IReadOnlyList<string> loop = InnerLoop.OfJit(listing);
            int products = loop.Count(line => line.StartsWith(instruction) && line.Contains(register));
            faults.AddRange(Faults(method, loop, products, rows * registers, StackOfX64(), known));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    /// <summary>The tiles that read the cache as it lies, of every number of queries: scores of a page and sums of values.</summary>
    [Theory]
    [InlineData("Avx512", "BF16Plain", "zmm")]
    [InlineData("Avx512", "Q8Plain", "zmm")]
    [InlineData("Avx2", "BF16", "ymm")]
    [InlineData("Avx2", "Q8", "ymm")]
    public void JitKeepsATileOfTheCacheInRegisters(string target, string format, string register)
    {
        Engines.Require(Enum.Parse<InstructionSet>(target));
        Engines.Require(InstructionSet.Avx2);
        Regex tile = new($@"\+{target}Kernels:Cache\dx\w*(64|128){format}\(");
        List<(string Method, string[] Lines)> tiles = [.. program.Older.Tiles.Where(item => tile.IsMatch(item.Method))];
        Assert.NotEmpty(tiles);
        List<string> faults = [];
        foreach ((string method, string[] listing) in tiles)
        {
            IReadOnlyList<string> loop = InnerLoop.OfJit(listing);
            faults.AddRange(Faults(method, loop, loop.Count(line => line.StartsWith("vfmadd") && line.Contains(register)), 4, StackOfX64()));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    /// <summary>One row walks from memory: where it was measured to win, it asks ahead, once for each line.</summary>
    [Theory]
    [InlineData("Avx512", "F32Plain", "vfmadd", 1)]
    [InlineData("Avx512", "BF16Plain", "vfmadd", 0)]
    [InlineData("Avx512", "Q8Plain", "vpmaddwd", 0)]
    [InlineData("Avx2", "F32", "vfmadd", 0)]
    public void JitAsksAheadForFloat32(string target, string format, string product, int linesPerProduct)
    {
        Engines.Require(Enum.Parse<InstructionSet>(target));
        AssertAsksAhead(program.Older, $@"\+{target}Kernels:Tile1x\d+x64{format}\(", "prefetcht1", product, linesPerProduct, 1);
    }

    /// <summary>Younger processors ask in all formats; nothing to see on an older one.</summary>
    [Theory]
    [InlineData("F32", "vfmadd", 1, 16)]
    [InlineData("BF16", "vfmadd", 2, 8)]
    [InlineData("F16", "vfmadd", 2, 8)]
    [InlineData("Q8", "vpdpbusd", 2, 4)]
    [InlineData("Q4", "vpmaddubsw", 2, 16)]
    public void JitAsksAheadOnYoungerProcessors(string format, string product, int productsPerLine, int lines)
    {
        if (AvxVnni.IsSupported && Avx512F.IsSupported)
        {
            AssertAsksAhead(program.Here, $@"\+Avx512Kernels:Tile1x\d+x64{format}\(", "prefetchnta", product, 1, productsPerLine, lines);
        }
    }

    /// <summary>So do their tiles of the cache, of one query and of several, once for each line; in registers as those of older ones.</summary>
    [Theory]
    [InlineData("BF16", 2)]
    [InlineData("Q8", 4)]
    public void JitAsksAheadInTheCacheOnYoungerProcessors(string format, int numbersPerWord)
    {
        if (AvxVnni.IsSupported && Avx512F.IsSupported)
        {
            foreach (int rows in (int[])[1, 4])
            {
                string pattern = $@"\+Avx512Kernels:Cache{rows}x\w*(64|128){format}\(";
                AssertAsksAhead(program.Here, pattern, "prefetcht0", "vfmadd", 1, rows * numbersPerWord);
                AssertInRegisters(program.Here, pattern, 1, "zmm", 4, "vfmadd");
            }
        }
    }

    /// <summary>On older ones those of one query in float32 alone ask.</summary>
    [Theory]
    [InlineData(1, "F32Plain", 1)]
    [InlineData(1, "BF16Plain", 0)]
    [InlineData(1, "Q8Plain", 0)]
    [InlineData(4, "F32Plain", 0)]
    [InlineData(4, "Q8Plain", 0)]
    public void JitAsksAheadInTheCacheForFloat32(int rows, string format, int linesPerProduct)
    {
        Engines.Require(InstructionSet.Avx512);
        AssertAsksAhead(program.Older, $@"\+Avx512Kernels:Cache{rows}x\w+\d{format}\(", "prefetcht1", "vfmadd", linesPerProduct, 1);
    }

    /// <param name="turn">Lines of a turn of the loop, where the plan keeps them few; 0: any.</param>
    private static void AssertAsksAhead(JitRun run, string pattern, string prefetch, string product, int lines, int products, int turn = 0)
    {
        Regex tile = new(pattern);
        (string Method, string[] Lines)[] tiles = [.. run.Tiles.Where(item => tile.IsMatch(item.Method))];
        Assert.NotEmpty(tiles);
        foreach ((string method, string[] listing) in tiles)
        {
            IReadOnlyList<string> loop = InnerLoop.OfJit(listing);
            int found = loop.Count(line => line.StartsWith(product));
            Assert.True(turn == 0 || found == turn * products, $"{method}: {found} products in a turn of the loop, expected {turn * products}");
            Assert.True(found > 0 && loop.Count(line => line.StartsWith(prefetch)) * products == found * lines && loop.Count(line => line.StartsWith("prefetch")) * products == found * lines, $"{method}\n{string.Join('\n', loop)}");
        }
    }

    [Fact]
    public void NativeAotKeepsAFullNeonTileInRegisters()
    {
        NativeTests.RequireArmTools();
        string text = ChildProcess.Run("aarch64-linux-gnu-objdump", ["-d", program.PublishForArm()]);
        string[] tiles = [.. text.Split("\n\n").Where(function => NeonTile().IsMatch(function))];
        Assert.NotEmpty(tiles);
        List<string> faults = [];
        foreach (string tile in tiles)
        {
            IReadOnlyList<string> loop = InnerLoop.OfObjdump(tile.Split('\n'));
            faults.AddRange(Faults(NeonTile().Match(tile).Value, loop, loop.Count(line => LaneProduct().IsMatch(line)), tile.Contains("Q8>") || tile.Contains("Q4>") ? 4 * 2 : 4 * 4, StackOfArm()));
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private IEnumerable<string> Faults(string method, IReadOnlyList<string> loop, int products, int accumulators, Regex stack, int known = 0)
    {
        int spills = loop.Count(line => stack.IsMatch(line));
        output.WriteLine($"{method}: {loop.Count} instructions in the loop, {products} multiply-adds, {spills} uses of the stack");
        if (products == 0 || products % accumulators != 0)
        {
            yield return $"{method}: {products} multiply-adds for {accumulators} accumulators\n{string.Join('\n', loop)}";
        }
        else if (spills > (method.Contains(".Trainable+") && method.Contains("xNx") ? 1 : known)) // known: the bound of training's loops is no constant, and lies there
        {
            yield return $"{method} uses the stack {spills} times in its inner loop";
        }
    }

    [GeneratedRegex(@"\[(rsp|rbp)")]
    private static partial Regex StackOfX64();

    [GeneratedRegex(@"\[(sp|x29)")]
    private static partial Regex StackOfArm();

    [GeneratedRegex(@"<\S*NeonKernels__Tile4x\S*(?<!Plain)>:")]
    private static partial Regex NeonTile();

    [GeneratedRegex(@"^(fmla\s+v\d+\.4s, v\d+\.4s, v\d+\.s\[\d\]|sdot\s+v\d+\.4s, v\d+\.16b, v\d+\.4b\[\d\])")]
    private static partial Regex LaneProduct();
}
