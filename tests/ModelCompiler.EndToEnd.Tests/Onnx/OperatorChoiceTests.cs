using ModelCompiler.Onnx.Export;
using ModelCompiler.Tool.Commands;

namespace ModelCompiler.EndToEnd.Tests.Onnx;

/// <summary>What a graph is made of unless the user says it: what the provider has.</summary>
public class OperatorChoiceTests
{
    [Theory]
    [InlineData("cpu", "q8", OnnxOperators.Standard)]
    [InlineData("cuda", "f16", OnnxOperators.Standard)]
    [InlineData("cuda", "q8", OnnxOperators.Gpu)]
    [InlineData("cuda", "f16, lm_head.*=q4", OnnxOperators.Gpu)]
    [InlineData("webgpu", "f32", OnnxOperators.Gpu)]
    public void ItIsWhatTheProviderHas(string provider, string weights, OnnxOperators expected)
        => Assert.Equal(expected, OnnxSymbols.Export(operators: null, "f32", chooseLogits: true, provider, weights).Operators);

    [Fact]
    public void WhatIsSaidCounts() => Assert.Equal(OnnxOperators.Decomposed, OnnxSymbols.Export("decomposed", "f32", chooseLogits: true, "webgpu").Operators);
}
