using System.Globalization;

namespace ModelCompiler.Debugger;

/// <summary>
/// line-debugger PROGRAM.dll FILE:LINE…: runs a program and says where it stops. FILE is the name of a source file as the symbols have it, without folders; a stop is reported
/// and the program goes on. The program writes a line when it can be attached to, and reads one before it does what is to be looked at.
/// </summary>
internal static class DebuggerCommand
{
    private const int Failed = 1;
    private const int NotPermitted = 3;

    /// <summary>Of everything together: a program that hangs under a debugger is ended.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>The program's exit code, or 1: it could not be debugged; 3: this system does not let its memory be read.</summary>
    public static int Run(string[] arguments)
    {
        if (arguments is not [string program, _, ..])
        {
            Console.Error.WriteLine("usage: line-debugger PROGRAM.dll FILE:LINE…");
            return Failed;
        }

        try
        {
            using Symbols symbols = new(program);
            CodePlace[] breakpoints = [.. arguments[1..].Select(place => Resolve(symbols, place))];
            using Debuggee debuggee = new(program);
            // On a thread of its own: a call into the engine cannot be cancelled.
            Task<int> run = Task.Run(() => Debug(debuggee, symbols, breakpoints));
            return run.Wait(Longest) ? run.Result : throw new TimeoutException($"the program did not end within {Longest.TotalMinutes} minutes.");
        }
        catch (Exception exception)
        {
            Exception cause = exception.GetBaseException();
            Console.Error.WriteLine(cause.Message);
            return cause is NotPermittedException ? NotPermitted : Failed;
        }
    }

    private static CodePlace Resolve(Symbols symbols, string place)
    {
        int colon = place.LastIndexOf(':');
        (string file, int line) = (place[..colon], int.Parse(place.AsSpan(colon + 1), CultureInfo.InvariantCulture));
        CodePlace found = symbols.Find(file, line);
        Console.WriteLine($"breakpoint at {symbols.Describe(found)}");
        return found;
    }

    private static int Debug(Debuggee debuggee, Symbols symbols, CodePlace[] breakpoints)
    {
        ICorDebug engine = DebuggingEngine.For(debuggee);
        DebugEvents events = new(debuggee.Program, breakpoints, place => Console.WriteLine($"stopped at {symbols.Describe(place)}"));
        engine.SetManagedHandler(events);
        engine.DebugActiveProcess(debuggee.Id, native: false);
        events.WaitUntilSet();
        string output = debuggee.RunToEnd();
        events.WaitUntilEnded();
        engine.Terminate();
        Console.Write(output);
        return debuggee.ExitCode;
    }
}
