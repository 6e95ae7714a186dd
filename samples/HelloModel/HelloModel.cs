/// <summary>models/hello, compiled. Its weights were written by the program HandBuiltModel, not trained.</summary>
[CompiledModel("hello")]
public sealed partial class HelloModel;
