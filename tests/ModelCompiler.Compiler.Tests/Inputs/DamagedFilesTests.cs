using CsCheck;
using ModelCompiler.Compiler.Diagnostics;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Inputs;
using ModelCompiler.Compiler.Tests.Graph;

namespace ModelCompiler.Compiler.Tests.Inputs;

/// <summary>Whatever a file holds, readers answer with a value or with a diagnostic, never with an exception.</summary>
public class DamagedFilesTests
{
    private const string Header =
        """{"__metadata__":{"format":"pt"},"w.b":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},"w.a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    // Pieces that mean something to a JSON reader are found more often than by chance.
    private static readonly string[] Pieces =
    [
        "", "{", "}", "[", "]", "\"", ",", ":", "\\", "\\u", "\\ud800", "null", "true", "1", "-", "1e999", "0.5", "99999999999999999999", "\n", "\0",
    ];

    private static readonly Gen<string> Piece = Gen.OneOf(Gen.Int[0, Pieces.Length - 1].Select(i => Pieces[i]), Gen.Char.Select(c => c.ToString()));

    [Fact]
    public void ADamagedHeaderIsReadOrRefused()
        => Damaged(Header).Sample(text =>
        {
            List<ModelDiagnostic> diagnostics = [];
            EquatableArray<TensorInfo> tensors = SafetensorsHeader.Read("model.safetensors", text, Header.Length, 8 + Header.Length + 20, diagnostics);
            return diagnostics.HasErrors() ? tensors.Count == 0 : tensors.Sum(tensor => tensor.LengthBytes) == 20;
        });

    [Fact]
    public void ADamagedConfigGivesAGraphOrAnError()
    {
        ModelInputs inputs = SyntheticModel.Llama().Set("\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2.0}").Inputs;
        Damaged(inputs.Config.File.Text).Sample(text =>
        {
            List<ModelDiagnostic> diagnostics = [];
            ModelGraph? graph = ModelGraphBuilder.Build(inputs with { Config = new ModelConfig(new TextFile("config.json", text)) }, diagnostics);
            return graph is null == diagnostics.HasErrors() && diagnostics.All(diagnostic => !diagnostic.Message.Any(char.IsControl));
        });
    }

    [Fact]
    public void ADamagedManifestIsReadOrRefused()
    {
        string manifest = new ModelManifest(
            "story", "f32", "bf16", "story.mcw", null, new string('0', 64), new string('f', 64), SyntheticModel.Llama().Inputs.Tensors).Write();
        Damaged(manifest).Sample(text =>
        {
            List<ModelDiagnostic> diagnostics = [];
            return ModelManifest.Read(new TextFile("story.json", text), diagnostics) is null == diagnostics.HasErrors();
        });
    }

    /// <summary>One to three places of a text replaced.</summary>
    private static Gen<string> Damaged(string text)
        => Gen.Select(Gen.Int[0, text.Length], Gen.Int[0, 4], Piece).Array[1, 3].Select(cuts => cuts.Aggregate(text, (damaged, cut) =>
        {
            int start = Math.Min(cut.Item1, damaged.Length);
            int end = Math.Min(start + cut.Item2, damaged.Length);
            return damaged[..start] + cut.Item3 + damaged[end..];
        }));
}
