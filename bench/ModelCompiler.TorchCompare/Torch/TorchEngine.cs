using System.Text.Json;
using ModelCompiler.Tool.Inputs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModelCompiler.TorchCompare.Torch;

/// <summary>Training with TorchSharp's AdamW.</summary>
internal sealed class TorchEngine : ITrainingEngine
{
    private readonly TorchDecoder decoder;
    private readonly optim.Optimizer optimizer;

    public TorchEngine(string folder, int threads)
    {
        set_num_threads(threads);
        using ModelFolder published = ModelFolder.Open(folder);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        decoder = TorchDecoder.Open(published, config.RootElement.GetProperty("model_type").GetString()!, config.RootElement);
        optimizer = new AdamW(
        [
            Group(decoder.Parameters.Values.Where(parameter => parameter.dim() > 1), Settings.WeightDecay),
            Group(decoder.Parameters.Values.Where(parameter => parameter.dim() == 1), 0),
        ]);
    }

    public double Step(Batch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using Tensor tokens = tensor(batch.Tokens.Select(token => (long)token).ToArray(), [batch.Sequences, batch.Length]);
        using Tensor targets = tensor(batch.Targets.Select(token => (long)token).ToArray(), [batch.Sequences, batch.Length]);
        optimizer.zero_grad();
        Tensor loss = decoder.Loss(tokens, targets);
        loss.backward();
        nn.utils.clip_grad_norm_([.. decoder.Parameters.Values], Settings.ClipNorm);
        optimizer.step();
        return loss.item<float>();
    }

    public float[] Read(string parameter) => decoder.Parameters[parameter].detach().data<float>().ToArray();

    public void Dispose() => optimizer.Dispose();

    private static AdamW.ParamGroup Group(IEnumerable<Parameter> parameters, double weightDecay)
        => new([.. parameters], Settings.LearningRate, Settings.Beta1, Settings.Beta2, Settings.Epsilon, weightDecay);
}
