namespace ModelCompiler.Debugger;

/// <summary>A place in the code of an assembly: the token of the method (MethodDef), and the offset in its IL, in bytes.</summary>
internal readonly record struct CodePlace(int Method, int Offset);
