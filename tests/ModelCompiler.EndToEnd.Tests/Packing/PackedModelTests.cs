using ModelCompiler.Compiler;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Formats;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.EndToEnd.Tests.Inputs;
using ModelCompiler.Runtime.Weights;
using ModelCompiler.Tool.Inputs;
using ModelCompiler.Tool.Packing;
using ModelCompiler.Tool.Synthesis;

namespace ModelCompiler.EndToEnd.Tests.Packing;

/// <summary>Whole models: published folder → plan → packed file, every number of which is looked up in the folder again.</summary>
public class PackedModelTests
{
    public static TheoryData<string, string, TensorType> Cases =>
    [
        .. from model in SyntheticConfigs.Small.Keys
           from format in WeightFormat.All
           from type in new[] { TensorType.F32, TensorType.F16, TensorType.BF16 }
           select (model, format.Name, type),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void EveryNumberOfAPlannedModelIsThePublishedOne(string model, string format, TensorType type)
    {
        using TemporaryFolder temporary = new();
        SyntheticModel.Write(temporary.Path, SyntheticConfigs.Small[model], new(type));
        using ModelFolder folder = ModelFolder.Open(temporary.Path, model);
        List<ModelDiagnostic> diagnostics = [];
        ModelPlan? plan = ModelCompilation.Plan(folder.Inputs, new(format), diagnostics);
        Assert.Empty(diagnostics);

        string path = temporary.File("model.mcw");
        using (WeightsFileWriter writer = new(path, plan!.Hash))
        {
            WeightsPacker.Pack(plan.Weights, new PublishedParameters(folder), writer.Write);
            writer.Complete([]);
        }

        byte[] data = File.ReadAllBytes(path)[WeightsHeader.LengthBytes..];
        Assert.Equal(plan.Weights.LengthBytes, data.Length);
        PackedFileCheck check = new(new PublishedElements(folder).Element, data);
        check.CheckMatrices(plan.Weights);
        check.CheckVectors(plan.Weights);
        CheckNothingIsLost(plan);
    }

    /// <summary>Every element of every parameter of the graph has a place in the layout.</summary>
    private static void CheckNothingIsLost(ModelPlan plan)
    {
        foreach (Parameter parameter in plan.Graph.Parameters)
        {
            bool[] covered = new bool[parameter.Rows * parameter.Columns];
            IEnumerable<(OutputSegment Rows, InputSegment Inputs)> places =
                from matrix in plan.Weights.Matrices
                from part in matrix.Parts
                from rows in part.Outputs
                where rows.Parameter == parameter
                from inputs in matrix.Inputs
                select (rows, inputs);
            foreach ((OutputSegment rows, InputSegment inputs) in places)
            {
                for (int r = 0; r < rows.Count; r++)
                {
                    covered.AsSpan(((rows.FirstRow + r) * parameter.Columns) + inputs.First, inputs.Count).Fill(true);
                }
            }

            foreach (VectorSegment segment in plan.Weights.Vectors.SelectMany(vector => vector.Segments).Where(segment => segment.Parameter == parameter))
            {
                for (int row = 0; row < (parameter.Columns == 1 ? 1 : parameter.Rows); row++)
                {
                    covered.AsSpan((row * parameter.Columns) + segment.First, segment.Count).Fill(true);
                }
            }

            Assert.True(covered.All(isCovered => isCovered), parameter.Name);
        }
    }

    /// <summary>Single elements of a folder's tensors, by the definition of a parameter alone.</summary>
    private sealed class PublishedElements(ModelFolder folder)
    {
        private readonly Dictionary<string, float[]> tensors = [];

        public float Element(Parameter parameter, int row, int input)
        {
            TensorInfo tensor = parameter.Tensor;
            if (!tensors.TryGetValue(tensor.Name, out float[]? values))
            {
                values = new float[tensor.LengthBytes / TensorElements.SizeBytes(tensor.Type)];
                folder.Read(tensor, 0, values);
                tensors.Add(tensor.Name, values);
            }

            int output = parameter.FirstRow + row;
            return values[parameter.Transposed ? (input * tensor.Shape[1]) + output : (output * parameter.Columns) + input];
        }
    }
}
