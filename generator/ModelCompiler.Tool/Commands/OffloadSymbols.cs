using System.CommandLine;
using ModelCompiler.Onnx;
using ModelCompiler.Onnx.Export;
using ModelCompiler.Runtime.Offload;
using ModelCompiler.Tool.Hosting;

namespace ModelCompiler.Tool.Commands;

/// <summary>Options of the commands that can run a model by ONNX Runtime in place of the emitted code.</summary>
internal sealed class OffloadSymbols
{
    private readonly Option<string?> provider = Symbols.OneOf(
        new Option<string?>("--provider") { Description = "Runs the model by ONNX Runtime, with this provider. [default: the emitted code runs]" }, [.. OnnxProvider.All.Select(provider => provider.Name)]);
    private readonly Option<string> work = Symbols.OneOf(
        new Option<string>("--offload") { Description = "With --provider: what it reads; prompts: the emitted code decodes behind them.", DefaultValueFactory = _ => "everything" },
        [.. Enum.GetNames<OffloadedWork>().Select(name => name.ToLowerInvariant())]);
    private readonly Option<int> device = OnnxSymbols.Device();
    private readonly Option<Dictionary<string, string>> providerOptions = OnnxSymbols.ProviderOptions();
    private readonly Option<string?> library = OnnxSymbols.Library();
    private readonly Option<string?> operators = OnnxSymbols.Operators();
    private readonly Option<string> activations = OnnxSymbols.Activations();
    private readonly Option<string?> profile = OnnxSymbols.Profile();
    private readonly Option<bool> fallBack = new("--fall-back") { Description = "With --provider: the emitted code goes on, on the CPU, where the provider cannot be had or fails." };

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[provider, work, device, providerOptions, library, operators, activations, profile, fallBack])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>A provider was named.</summary>
    public bool IsAsked(ParseResult parsed) => parsed.GetValue(provider) is not null;

    /// <summary>What was asked for; null: the emitted code.</summary>
    public OnnxOffload? Of(ParseResult parsed, string directory, string weights, Func<string, long, IProgress<long>> report, CancellationToken cancellation)
    {
        if (parsed.GetValue(provider) is not { } name)
        {
            return null;
        }

        if (parsed.GetValue(library) is { } file)
        {
            OnnxLibrary.Use(file);
        }

        OnnxExportOptions export = OnnxSymbols.Export(parsed.GetValue(operators), parsed.GetRequiredValue(activations), chooseLogits: true, name, weights);
        return new OnnxOffload(ExportedModel.Get(directory, weights, export, report, cancellation))
        {
            Provider = name,
            DeviceId = parsed.GetValue(device),
            ProviderOptions = parsed.GetRequiredValue(providerOptions),
            Work = Enum.Parse<OffloadedWork>(parsed.GetRequiredValue(work), ignoreCase: true),
            ProfilePrefix = parsed.GetValue(profile),
            FallBackToCpu = parsed.GetValue(fallBack),
        };
    }
}
