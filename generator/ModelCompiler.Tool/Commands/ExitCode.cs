namespace ModelCompiler.Tool.Commands;

/// <summary>What modelc tells the program that called it.</summary>
internal static class ExitCode
{
    /// <summary>All went well.</summary>
    public const int Success = 0;

    /// <summary>Something is wrong with the model or its files; standard error says what, in the canonical form.</summary>
    public const int Fault = 1;

    /// <summary>The command line cannot be understood.</summary>
    public const int Usage = 2;

    /// <summary>Stopped by Ctrl+C: 128 + SIGINT, as shells have it.</summary>
    public const int Cancelled = 130;
}
