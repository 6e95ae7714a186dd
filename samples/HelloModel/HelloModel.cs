/// <summary>models/hello, compiled: a small Llama that the project trained itself (samples/StoryWorld).</summary>
[CompiledModel("hello")]
public sealed partial class HelloModel;
