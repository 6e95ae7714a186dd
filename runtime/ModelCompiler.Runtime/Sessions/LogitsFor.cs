namespace ModelCompiler.Runtime.Sessions;

/// <summary>Of which tokens of a call the logits are computed.</summary>
public enum LogitsFor
{
    /// <summary>None: the tokens only join the cache.</summary>
    None,

    /// <summary>The last one.</summary>
    Last,

    /// <summary>Every one.</summary>
    All,
}
