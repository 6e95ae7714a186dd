using ModelCompiler.Compiler;

namespace ModelCompiler.Generator;

/// <summary>
/// The class that a model is emitted into, as plain values. No symbol, syntax node or compilation is ever kept: they
/// would hold a whole compilation in memory and compare unequal after every key stroke.
/// </summary>
/// <param name="Namespace">Empty: the global namespace. Keywords in it are escaped.</param>
/// <param name="ClassName">As written, so an escaped keyword stays escaped.</param>
/// <param name="Modifiers">As written, without <c>partial</c> and <c>unsafe</c>: <c>public sealed</c>.</param>
/// <param name="ModelName">What the attribute names.</param>
/// <param name="Features">What it asks for besides, by properties that are set to true.</param>
internal sealed record ModelTarget(string Namespace, string ClassName, string Modifiers, string ModelName, ModelFeatures Features = ModelFeatures.None)
{
    /// <summary>Begins the hint name of every file of this class, so that two models never claim the same one.</summary>
    public string HintPrefix => Namespace.Length == 0 ? ClassName : Namespace + "." + ClassName;
}

/// <summary>
/// One use of the attribute: a class into which a model can be compiled, and what is wrong with it, if anything is. The place is kept beside
/// the target and not in it, so that a class that only moved is not compiled again.
/// </summary>
internal sealed record AttributeUse(ModelTarget? Target, Finding? Problem, SourcePlace Place);
