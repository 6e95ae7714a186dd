namespace LookInside;

/// <summary>The model that samples/HelloModel ships, compiled so that it can be looked into.</summary>
[CompiledModel("hello", Trace = true)]
internal sealed partial class InsideModel;
