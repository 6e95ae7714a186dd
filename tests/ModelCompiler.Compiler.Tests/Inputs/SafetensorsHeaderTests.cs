using System.Diagnostics;
using System.Text;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Inputs;

namespace ModelCompiler.Compiler.Tests.Inputs;

public class SafetensorsHeaderTests
{
    private const string FileName = "model.safetensors";
    private readonly List<ModelDiagnostic> diagnostics = [];

    [Fact]
    public void TensorsAreReadInTheOrderOfTheirNames()
    {
        const string Header =
            """
            {"__metadata__":{"format":"pt"},
            "w.b":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},
            "w.a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
            "scalar":{"dtype":"F16","shape":[],"data_offsets":[20,22]},
            "none":{"dtype":"F32","shape":[0,5],"data_offsets":[22,22]},
            "mask":{"dtype":"BOOL","shape":[3],"data_offsets":[22,25]}}
            """;

        EquatableArray<TensorInfo> tensors = Read(Header, 25);

        Assert.Empty(diagnostics);
        long start = 8 + Header.Length;
        Assert.Equal(
            [
                new TensorInfo("mask", TensorType.Unsupported, new([3]), FileName, start + 22, 3) { TypeName = "BOOL" },
                new TensorInfo("none", TensorType.F32, new([0, 5]), FileName, start + 22, 0),
                new TensorInfo("scalar", TensorType.F16, default, FileName, start + 20, 2),
                new TensorInfo("w.a", TensorType.F32, new([2]), FileName, start, 8),
                new TensorInfo("w.b", TensorType.BF16, new([2, 3]), FileName, start + 8, 12),
            ],
            tensors);
    }

    [Theory]
    [InlineData("MC013", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 55, "overlap")]
    [InlineData("MC013", 12, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}", 55, "overlap")]
    [InlineData("MC013", 20, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[12,20]}}", 55, "gap")]
    [InlineData("MC013", 12, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}", 2, "gap")]
    [InlineData("MC013", 7, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 1, "length of the file")]
    [InlineData("MC013", 9, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 1, "length of the file")]
    [InlineData("MC013", 1, "{}", 1, "length of the file")]
    [InlineData("MC013", 8, "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}", 48, "12 bytes")]
    [InlineData("MC013", 8, "{'a':{'dtype':'F32','shape':[0],'data_offsets':[0,8]}}", 48, "0 bytes")]
    [InlineData("MC013", 7, "{'a':{'dtype':'I64','shape':[1],'data_offsets':[0,7]}}", 48, "8 bytes")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}", 48, "data_offsets")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[-1,7]}}", 48, "data_offsets")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,9223372036854775807]}}", 48, "data_offsets")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0]}}", 48, "data_offsets")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0.0,8.0]}}", 48, "data_offsets")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[2]}}", 2, "data_offsets")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}", 29, "shape")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[4294967296],'data_offsets':[0,8]}}", 29, "shape")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[2147483647,2147483647,2147483647],'data_offsets':[0,8]}}", 29, "shape")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':[1,1,1,1,1,1,1,1,2],'data_offsets':[0,8]}}", 29, "shape")]
    [InlineData("MC012", 8, "{'a':{'dtype':'F32','shape':'2','data_offsets':[0,8]}}", 29, "shape")]
    [InlineData("MC012", 8, "{'a':{'dtype':32,'shape':[2],'data_offsets':[0,8]}}", 15, "dtype")]
    [InlineData("MC012", 8, "{'a':{}}", 2, "dtype")]
    [InlineData("MC012", 8, "{'a':[]}", 2, "dtype")]
    [InlineData("MC012", 0, "[]", 1, "header")]
    [InlineData("MC012", 0, "{'__metadata__':{'format':1}}", 17, "__metadata__")]
    [InlineData("MC010", 8, "{'a\\nb':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}", 2, "'a\\u000Ab'")]
    [InlineData("MC001", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]", 53, "the end of the file")]
    [InlineData("MC002", 8, "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'a':{'dtype':'F32','shape':[2],'data_offsets':[8,16]}}", 55, "'a' a second time")]
    public void AHostileHeaderIsRefused(string id, int dataBytes, string header, int column, string mention)
    {
        Assert.Empty(Read(header.Replace('\'', '"'), dataBytes));

        Found.Single(diagnostics, id, 1, column, mention);
    }

    [Theory]
    [InlineData(0, 0, "0 bytes")]
    [InlineData(0, 7, "7 bytes")]
    [InlineData(1, 100, "1 bytes")]
    [InlineData(93, 100, "93 bytes")]
    [InlineData(100_000_001, 1_000_000_000_000, "100000001 bytes")]
    [InlineData(long.MaxValue, long.MaxValue, "9223372036854775807 bytes")]
    [InlineData(-1, 100, "18446744073709551615 bytes")]
    public void ALengthIsCheckedBeforeMemoryIsTaken(long headerLength, long fileLength, string mention)
    {
        Assert.False(SafetensorsHeader.CheckLength(FileName, headerLength, fileLength, diagnostics));

        Found.Single(diagnostics, "MC011", 0, 0, mention);
    }

    [Theory]
    [InlineData("a\"; System.Environment.Exit(0); //")]
    [InlineData("a*/ evil /*")]
    [InlineData("a\\")]
    [InlineData("a b")]
    [InlineData("a\u2028b")]
    [InlineData("a\u202Eb")]
    [InlineData("a\u0000b")]
    [InlineData("caf\u00E9")]
    [InlineData("{0}")]
    [InlineData("")]
    public void ANameThatCouldBecomeCodeIsRefused(string name)
    {
        Assert.False(SafeName.CheckTensor(name, new SourceSpan(FileName, 1, 2), diagnostics));

        Found.Single(diagnostics, "MC010", 1, 2);
    }

    [Fact]
    public void ANameIsBounded()
    {
        Assert.True(SafeName.CheckTensor(new string('a', 256), new SourceSpan(FileName), diagnostics));
        Assert.False(SafeName.CheckTensor(new string('a', 257), new SourceSpan(FileName), diagnostics));
    }

    [Fact]
    public void ALargeHeaderIsReadAtOnce()
    {
        StringBuilder header = new("{");
        for (int i = 0; i < 20_000; i++)
        {
            header.Append($"\"model.layers.{i}.weight\":{{\"dtype\":\"BF16\",\"shape\":[4,8],\"data_offsets\":[{64L * i},{64L * (i + 1)}]}},");
        }

        header[^1] = '}';
        Stopwatch clock = Stopwatch.StartNew();

        Assert.Equal(20_000, Read(header.ToString(), 64 * 20_000).Count);

        Assert.Empty(diagnostics);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(5)); // 0.2 s where it was written, compilation of the reader included
    }

    private EquatableArray<TensorInfo> Read(string header, long dataBytes)
        => SafetensorsHeader.Read(FileName, header, Math.Max(2, header.Length), 8 + Math.Max(2, header.Length) + dataBytes, diagnostics);
}
