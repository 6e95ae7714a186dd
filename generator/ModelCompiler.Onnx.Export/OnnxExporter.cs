using System.Globalization;
using System.Reflection;
using Google.Protobuf;
using ModelCompiler.Compiler.Graph;
using ModelCompiler.Compiler.Packing;
using ModelCompiler.Compiler.Plan;
using ModelCompiler.Onnx.Export.Lowerings;
using ModelCompiler.Onnx.Export.Weights;
using ModelCompiler.Runtime.Files;
using Onnx;
using DataType = Onnx.TensorProto.Types.DataType;

namespace ModelCompiler.Onnx.Export;

/// <summary>
/// A model as an ONNX file: the graph before fusion, operation by operation, with the weights as the plan's formats round them.
/// <para>Inputs: <see cref="OnnxNames.Tokens"/>, <see cref="OnnxNames.Positions"/>, past keys and values of each layer. Outputs: logits, present keys and values.
/// Batch and lengths are free; the sequences of a batch are equally long.</para>
/// </summary>
public static class OnnxExporter
{
    /// <summary>What the standard operators need (Attention 24), and the version of the format that came with it.</summary>
    private const int Opset = 24;
    private const int IrVersion = 12;

    /// <summary>Writes <paramref name="path"/>, and its weights beside it where they are large. Whoever fails or is cancelled leaves what lay there.</summary>
    /// <param name="plan">The model, and the format of each matrix.</param>
    /// <param name="source">The numbers as published.</param>
    /// <param name="path">The file to write, such as <c>model.onnx</c>; replaced when it is there.</param>
    /// <param name="options">What may be chosen.</param>
    /// <param name="progress">Receives bytes of weights written.</param>
    /// <param name="check">Called when everything is written and nothing in its place yet: what it throws leaves the place as it was.</param>
    /// <param name="cancellation">Looked at between blocks of a matrix.</param>
    /// <exception cref="Compiler.Diagnostics.ModelException">A weight is not finite, or does not fit its format.</exception>
    /// <exception cref="IOException">The place cannot be written.</exception>
    public static OnnxFiles Write(
        ModelPlan plan, IParameterSource source, string path, OnnxExportOptions? options = null, IProgress<long>? progress = null, Action? check = null,
        CancellationToken cancellation = default)
    {
        options ??= new OnnxExportOptions();
        bool external = plan.Weights.LengthBytes > options.InlineBytes;
        if (new FileInfo(path).LinkTarget is not null)
        {
            path = FilePlace.Of(path); // the data lie beside the graph, not beside a link to it
        }

        using WholeFile file = new(path);
        using WholeFile? data = external ? new(Beside(path, $"{Guid.NewGuid():n}.data")) : null;
        OnnxGraph graph = new();
        using TensorStore store = new(graph.Proto, data?.Stream);
        WeightWriter weights = new(plan, source, graph, store, options.Activations, progress, cancellation);
        ModelProto model = Build(plan, new Lowering(plan.Graph, graph, weights, options));
        string? dataName = external ? store.NameData(Path.GetFileName(path)) : null;
        model.WriteTo(file.Stream);
        file.Stream.Flush();
        check?.Invoke();
        cancellation.ThrowIfCancellationRequested();
        Replace(path, file, data, dataName);
        return new(path, dataName is null ? null : Beside(path, dataName), store.LengthBytes, weights.Dequantised);
    }

    /// <summary>
    /// The data first, under a name that no other data have; then the graph, in one step, in the place of the one before; then goes what that one read. Stopped in between, whatever graph
    /// lies there reads its own data.
    /// </summary>
    private static void Replace(string path, WholeFile file, WholeFile? data, string? dataName)
    {
        string? before = TensorStore.DataOf(path);
        data?.Commit(name: dataName);
        file.Commit();
        if (before is not null && Path.GetFileName(before) == before && before.StartsWith(Path.GetFileName(path) + ".", StringComparison.Ordinal) && before != TensorStore.DataOf(path))
        {
            try
            {
                File.Delete(Beside(path, before));
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // Somebody reads them still. The export is in its place all the same.
            }
        }
    }

    private static string Beside(string path, string name) => Path.Combine(Path.GetDirectoryName(path) ?? "", name);

    private static ModelProto Build(ModelPlan plan, Lowering lowering)
    {
        ModelGraph source = plan.Graph;
        GraphInterface io = new(source, lowering);
        io.Declare();
        bool inHead = false;
        foreach (Operation operation in source.Operations)
        {
            if (lowering.Options.ChooseLogits && !inHead && operation.Place.Section == Section.Head)
            {
                inHead = true;
                io.KeepLastRows(operation);
            }

            lowering.Lower(operation);
        }

        io.Finish();
        ModelProto model = new()
        {
            IrVersion = IrVersion,
            ProducerName = "ModelCompiler",
            ProducerVersion = typeof(OnnxExporter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "",
            Graph = lowering.Graph.Proto,
        };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        if (lowering.Graph.Proto.Node.Any(node => node.Domain == OnnxGraph.RuntimeDomain))
        {
            model.OpsetImport.Add(new OperatorSetIdProto { Domain = OnnxGraph.RuntimeDomain, Version = 1 });
        }

        foreach ((string key, string value) in Metadata(plan, lowering.Options))
        {
            model.MetadataProps.Add(new StringStringEntryProto { Key = OnnxNames.MetadataPrefix + key, Value = value });
        }

        return model;
    }

    /// <summary>What a program that runs the file holds against the model that it expects.</summary>
    private static IEnumerable<(string Key, string Value)> Metadata(ModelPlan plan, OnnxExportOptions options)
    {
        Dimensions d = plan.Graph.Dimensions;
        string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
        yield return ("family", plan.Graph.Family);
        yield return ("weights", plan.Format);
        yield return ("activations", options.Activations == OnnxActivations.F16 ? "f16" : "f32");
        yield return ("layers", Text(d.Layers));
        yield return ("kv_heads", Text(d.KvHeads));
        yield return ("head_dim", Text(d.HeadDim));
        yield return ("vocab", Text(d.Vocab));
        yield return ("context_length", Text(d.ContextLength));
    }
}
