namespace ModelCompiler.Debugger;

/// <summary>This system does not let the program's memory be read.</summary>
internal sealed class NotPermittedException(int process, Exception? inner = null) : Exception($"the memory of process {process} cannot be read here, as a debugger must.", inner);
