using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Plan;

namespace ModelCompiler.Compiler.Tests.Plan;

/// <summary>Graphs outside today's families: planned so that every operation reads what it should, or refused.</summary>
public class UnusualGraphTests
{
    [Fact]
    public void A_residual_that_is_a_norm_is_not_summed_in_place()
    {
        GraphSketch sketch = new();
        Value x = sketch.Embed();
        sketch.At(Section.FeedForward, 0);
        Value normed = sketch.Norm(x);
        Value sum = sketch.Sum(normed, sketch.Linear(sketch.Activate(sketch.Linear(normed))));
        MemorySimulation.Run(sketch.Finish(sketch.Norm(sum)));
    }

    [Fact]
    public void A_value_read_many_layers_later_keeps_its_place()
    {
        GraphSketch sketch = new();
        Value first = sketch.Embed();
        Value x = first;
        for (int layer = 0; layer < 4; layer++)
        {
            sketch.At(Section.FeedForward, layer);
            x = sketch.Sum(x, sketch.Linear(sketch.Norm(x)));
        }

        MemorySimulation.Run(sketch.Finish(sketch.Sum(x, first)));
    }

    [Fact]
    public void A_parallel_residual_keeps_the_stream_for_both_branches()
    {
        GraphSketch sketch = new();
        Value x = sketch.Embed();
        sketch.At(Section.FeedForward, 0);
        Value one = sketch.Linear(sketch.Activate(sketch.Linear(sketch.Norm(x))));
        Value two = sketch.Linear(sketch.Activate(sketch.Linear(sketch.Norm(x))));
        MemorySimulation.Run(sketch.Finish(sketch.Sum(sketch.Sum(x, one), two)));
    }

    [Fact]
    public void A_key_that_is_the_value_too_is_not_rotated_in_place()
    {
        GraphSketch sketch = new();
        Value x = sketch.Embed();
        sketch.At(Section.Attention, 0);
        Value normed = sketch.Norm(x);
        Value query = sketch.Linear(normed), key = sketch.Linear(normed);
        Value attended = sketch.Attend(sketch.Rotate(query, 2), sketch.Rotate(key, 2), key, 2);
        Refused(sketch.Finish(sketch.Sum(x, sketch.Linear(attended))));
    }

    [Fact]
    public void A_head_without_a_norm_is_refused()
    {
        GraphSketch sketch = new();
        Value x = sketch.Embed();
        Refused(sketch.FinishAt(sketch.At(Section.Head).Linear(x, GraphSketch.Vocab)));
    }

    [Fact]
    public void A_head_that_would_gather_rows_twice_is_refused()
    {
        GraphSketch sketch = new();
        Value x = sketch.Embed();
        sketch.At(Section.Head);
        Refused(sketch.FinishAt(sketch.Linear(sketch.Norm(sketch.Linear(sketch.Norm(x))), GraphSketch.Vocab)));
    }

    [Fact]
    public void An_operation_that_would_read_padded_heads_as_a_row_is_refused()
    {
        foreach (Func<GraphSketch, Value, Value> between in new Func<GraphSketch, Value, Value>[] { (sketch, x) => sketch.Norm(x), (sketch, x) => sketch.Scale(x) })
        {
            GraphSketch sketch = new();
            Value x = sketch.Embed();
            sketch.At(Section.Attention, 0);
            Value query = between(sketch, sketch.Linear(x));
            Value attended = sketch.Attend(query, sketch.Linear(x), sketch.Linear(x), 2);
            Refused(sketch.Finish(sketch.Sum(x, sketch.Linear(attended))));
        }
    }

    [Fact]
    public void The_usual_shape_is_planned()
    {
        GraphSketch sketch = new();
        Value x = sketch.Embed();
        sketch.At(Section.Attention, 0);
        Value normed = sketch.Norm(x);
        Value attended = sketch.Attend(sketch.Rotate(sketch.Linear(normed), 2), sketch.Rotate(sketch.Linear(normed), 2), sketch.Linear(normed), 2);
        ModelGraph graph = sketch.Finish(sketch.Sum(x, sketch.Linear(attended)));
        MemorySimulation.Run(graph);
        Assert.Contains(GraphSketch.Plan(graph).Kernels, kernel => kernel is AttentionKernel { RotatedPairs: 2 });
    }

    private static void Refused(ModelGraph graph) => Assert.Throws<UnsupportedOperationException>(() => GraphSketch.Plan(graph));
}
