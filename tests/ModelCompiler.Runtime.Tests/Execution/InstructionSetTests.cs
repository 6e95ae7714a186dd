using ModelCompiler.Runtime.Execution;

namespace ModelCompiler.Runtime.Tests.Execution;

public sealed class InstructionSetTests
{
    private static readonly InstructionSet[] all = [InstructionSet.Avx512, InstructionSet.Avx2, InstructionSet.Neon, InstructionSet.Portable];

    [Fact]
    public void TheBestSupportedOneIsChosen()
        => Assert.Equal(all.First(InstructionSets.IsSupported), InstructionSets.Choose(all, null, null));

    [Fact]
    public void CodeGoesBeforeTheEnvironment()
    {
        Assert.Equal(InstructionSet.Portable, InstructionSets.Choose(all, null, "Portable"));
        Assert.Equal(InstructionSet.Portable, InstructionSets.Choose(all, InstructionSet.Portable, "avx1024"));
    }

    [Fact]
    public void AWrongNameIsToldWithTheRightOnes()
    {
        string message = Assert.Throws<FormatException>(() => InstructionSets.Choose(all, null, "avx1024")).Message;
        Assert.Contains("MODELCOMPILER_ISA is 'avx1024'", message);
        Assert.Contains("portable", message);
    }

    [Fact]
    public void WhatIsNotThereIsRefused()
    {
        InstructionSet foreign = InstructionSets.IsSupported(InstructionSet.Neon) ? InstructionSet.Avx2 : InstructionSet.Neon;
        Assert.Contains("this processor", Assert.Throws<PlatformNotSupportedException>(() => InstructionSets.Choose(all, foreign, null)).Message);
        Assert.Contains("not compiled", Assert.Throws<PlatformNotSupportedException>(() => InstructionSets.Choose([InstructionSet.Portable], foreign, null)).Message);
        Assert.Throws<PlatformNotSupportedException>(() => InstructionSets.Choose([foreign], null, null));
    }

    [Fact]
    public void NamesAreReadBack() => Assert.All(all, set => Assert.True(InstructionSets.TryParse(InstructionSets.Name(set), out InstructionSet parsed) && parsed == set));
}
