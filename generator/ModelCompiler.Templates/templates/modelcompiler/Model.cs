/// <summary>models/small, compiled.</summary>
[CompiledModel("small")]
public sealed partial class SmallModel;
