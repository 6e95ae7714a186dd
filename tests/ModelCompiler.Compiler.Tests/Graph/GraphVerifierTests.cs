using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Passes;
using ModelCompiler.Compiler.Tests.Plan;
using ModelCompiler.Compiler.Tests.Inputs;

namespace ModelCompiler.Compiler.Tests.Graph;

/// <summary>The verifier finds what a mistaken architecture or pass does to a graph that was right.</summary>
public class GraphVerifierTests
{
    private readonly List<ModelDiagnostic> diagnostics = [];

    [Fact]
    public void AGraphThatIsRightPasses() => Assert.True(Verify(graph => graph));

    [Fact]
    public void AValueIsWrittenBeforeItIsRead()
        => Refused("MC110", graph => Replace<Add>(graph, add => add with { Right = new Value(999, "nowhere", add.Right.Width) }), "value 999 'nowhere'");

    [Fact]
    public void TheOrderOfOperationsMatters()
        => Refused("MC110", graph => graph with { Operations = graph.Operations.Where(operation => operation is not Embedding).ToEquatable() }, "'embedded'");

    [Fact]
    public void TheLogitsAreWritten()
        => Refused("MC110", graph => graph with { Operations = graph.Operations.SkipLast(1).ToEquatable() }, "logits");

    [Fact]
    public void AValueIsWrittenOnce()
        => Refused("MC111", graph => graph with { Operations = graph.Operations.Append(graph.Operations[^1]).ToEquatable() }, "a second write");

    [Fact]
    public void WidthsAgree()
        => Refused("MC112", graph => Replace<Rope>(graph, rope => rope with { HeadDim = 40 }), "width 120, expected width 240");

    [Fact]
    public void GroupsOfANormDivideTheRow()
        => Refused("MC112", graph => Replace<Norm>(graph, norm => norm with { Groups = 3 }), "3 groups in a row of 40");

    [Fact]
    public void AParameterHasTheShapeOfItsOperation()
        => Refused("MC113", graph => Replace<Linear>(graph, linear => linear with { Weight = linear.Weight with { Columns = 39 } }), "[120, 39]");

    [Fact]
    public void AParameterLiesInsideItsTensor()
        => Refused("MC113", graph => Replace<Linear>(graph, linear => linear with { Weight = linear.Weight with { FirstRow = 1 } }), "rows 1 to 121");

    [Fact]
    public void AParameterHasANameOfItsOwn()
        => Refused(
            "MC113", graph => Replace<Linear>(graph, linear => linear with { Weight = linear.Weight with { Name = "model.embed_tokens.weight" } }),
            "a second parameter of that name");

    [Fact]
    public void ARotaryTableExists()
        => Refused("MC114", graph => Replace<Rope>(graph, rope => rope with { Table = 1 }), "table 1");

    [Fact]
    public void HeadsAreAWholeNumberForEachKeyValueHead()
        => Refused("MC115", graph => Replace<Attention>(graph, attention => attention with { KvHeads = 4 }), "6 heads over 4");

    [Fact]
    public void AWindowSeesSomething()
        => Refused("MC115", graph => Replace<Attention>(graph, attention => attention with { Window = 0 }), "window 0");

    [Fact]
    public void AnAttentionHasACache()
        => Refused("MC115", graph => Replace<Attention>(graph, attention => attention with { Place = new(2, Section.Attention) }), "layer 2");

    public static TheoryData<string> Families => ["llama", "mistral", "qwen2", "qwen3", "gpt2"];

    [Theory]
    [MemberData(nameof(Families))]
    public void WhatEachPassMakesOfEachFamilyIsRight(string family)
    {
        ModelGraph graph = SyntheticModel.Of(family).BuildCleanly();

        List<string> passes = [];
        PassList.Run(PassList.Inference, graph, PlannedModel.Q4, (name, fused) =>
        {
            passes.Add(name);
            Assert.True(GraphVerifier.Verify(fused, new SourceSpan("config.json"), diagnostics), $"{name}: {string.Join('\n', diagnostics)}");
        });
        Assert.Equal(PassList.Inference.Select(pass => pass.Name), passes);
    }

    [Fact]
    public void AFusedProjectionFitsItsInput()
        => Refused("MC113", graph => Replace<FusedLinear>(PassList.Run(PassList.Inference, graph, PlannedModel.F32), linear => linear with { Input = linear.Input with { Width = 41 } }), "[120, 41]");

    [Fact]
    public void AResidualFitsItsProjection()
        => Refused(
            "MC112",
            graph => Replace(PassList.Run(PassList.Inference, graph, PlannedModel.F32), linear => linear.Residual is not null, (FusedLinear linear) => linear with { Residual = linear.Residual! with { Width = 41 } }),
            "width 41, expected width 40");

    [Fact]
    public void AFusedAttentionHasATable()
        => Refused("MC114", graph => Replace<FusedAttention>(PassList.Run(PassList.Inference, graph, PlannedModel.F32), attention => attention with { RopeTable = 7 }), "table 7");

    [Fact]
    public void AGatedProjectionFitsItsInput()
        => Refused(
            "MC113",
            graph => Replace<GatedLinear>(PassList.Run(PassList.Inference, graph, PlannedModel.F32), gated => gated with { Up = gated.Up with { Weight = gated.Up.Weight with { Columns = 39 } } }),
            "[56, 39]");

    private void Refused(string id, Func<ModelGraph, ModelGraph> damage, string mention)
    {
        Assert.False(Verify(damage));
        Found.Single([diagnostics.First(diagnostic => diagnostic.Rule.Id == id)], id, 2, 17, mention);
    }

    private bool Verify(Func<ModelGraph, ModelGraph> change)
        => GraphVerifier.Verify(change(SyntheticModel.Llama().BuildCleanly()), new SourceSpan("config.json", 2, 17), diagnostics);

    /// <summary>Changes the first operation of a type.</summary>
    private static ModelGraph Replace<T>(ModelGraph graph, Func<T, Operation> change)
        where T : Operation
        => Replace(graph, _ => true, change);

    private static ModelGraph Replace<T>(ModelGraph graph, Func<T, bool> which, Func<T, Operation> change)
        where T : Operation
    {
        T first = graph.Operations.OfType<T>().First(which);
        return graph with { Operations = graph.Operations.Select(operation => ReferenceEquals(operation, first) ? change(first) : operation).ToEquatable() };
    }
}
