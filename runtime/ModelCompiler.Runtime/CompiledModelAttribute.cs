namespace ModelCompiler;

/// <summary>
/// Asks the build to write this class: the model that the project's <c>&lt;CompiledModel Include="…"&gt;</c> item of that name
/// describes becomes its code. The class must be partial, top-level, and neither static, abstract nor generic; the emitted part
/// derives it from <see cref="Runtime.CompiledModel"/> and gives it <c>Load</c>.
/// </summary>
/// <param name="name">The item's name: the last part of its folder's path, unless the item has a <c>Name</c> of its own.</param>
/// <example>
/// <code>
/// [CompiledModel("story")] public sealed partial class StoryModel;
/// </code>
/// </example>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class CompiledModelAttribute(string name) : Attribute
{
    /// <summary>The model's name in the project file.</summary>
    public string Name { get; } = name;

    /// <summary>
    /// The class can be looked into: <see cref="Runtime.Sessions.Session.Trace"/> keeps the state of every token behind every layer and who attends to
    /// whom. Where nobody traces, it costs a test and a branch for each section of a layer; without this option, nothing.
    /// </summary>
    public bool Trace { get; init; }

    /// <summary>
    /// The class can be trained: it gets <c>LoadForTraining</c> and the class <c>Trainable</c>, a <see cref="Runtime.Training.TrainableModel"/>. Needs
    /// <c>Training="true"</c> at the project's item, too, which packs the weights for it.
    /// </summary>
    public bool Training { get; init; }
}
