using System.Runtime.InteropServices.Marshalling;

namespace ModelCompiler.Debugger;

/// <summary>What the engine tells, each on its own thread while the program stands still: breakpoints are set as the assembly appears, and stops are reported. Then the program goes on.</summary>
[GeneratedComClass]
internal sealed partial class DebugEvents(string program, CodePlace[] breakpoints, Action<CodePlace> stopped) : ICorDebugManagedCallback, ICorDebugManagedCallback2
{
    private readonly TaskCompletionSource set = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Until every breakpoint is in the program.</summary>
    public void WaitUntilSet() => set.Task.GetAwaiter().GetResult();

    /// <summary>Until the program has ended.</summary>
    /// <exception cref="InvalidOperationException">Something went wrong at a stop.</exception>
    public void WaitUntilEnded() => ended.Task.GetAwaiter().GetResult();

    public unsafe void LoadModule(ICorDebugController appDomain, ICorDebugModule module) => Do(appDomain, set, () =>
    {
        const int Longest = 4096; // PATH_MAX, in UTF-16 units
        char* name = stackalloc char[Longest];
        module.GetName(Longest, out _, name);
        if (new string(name) == program)
        {
            foreach (CodePlace place in breakpoints)
            {
                module.GetFunctionFromToken(place.Method).GetILCode().CreateBreakpoint(place.Offset).Activate(active: true);
            }

            set.TrySetResult();
        }
    });

    public void Breakpoint(ICorDebugController appDomain, ICorDebugThread thread, nint breakpoint) => Do(appDomain, ended, () =>
    {
        ICorDebugILFrame frame = thread.GetActiveFrame();
        frame.GetIP(out int offset, out _);
        stopped(new(frame.GetFunctionToken(), offset));
    });

    public void ExitProcess(ICorDebugController process)
    {
        set.TrySetException(new InvalidOperationException($"the program ended before '{program}' was loaded."));
        ended.TrySetResult();
    }

    public void DebuggerError(ICorDebugController process, int error, int code) => Fail(process, $"the engine failed with 0x{error:x8}.");

    public void BreakpointSetError(ICorDebugController appDomain, nint thread, nint breakpoint, int error) => Fail(appDomain, $"a breakpoint could not be set: 0x{error:x8}.");

    // The program goes on.
    public void StepComplete(ICorDebugController appDomain, nint thread, nint stepper, int reason) => appDomain.Continue();
    public void Break(ICorDebugController appDomain, nint thread) => appDomain.Continue();
    public void Exception(ICorDebugController appDomain, nint thread, int unhandled) => appDomain.Continue();
    public void EvalComplete(ICorDebugController appDomain, nint thread, nint eval) => appDomain.Continue();
    public void EvalException(ICorDebugController appDomain, nint thread, nint eval) => appDomain.Continue();
    public void CreateProcess(ICorDebugController process) => process.Continue();
    public void CreateThread(ICorDebugController appDomain, nint thread) => appDomain.Continue();
    public void ExitThread(ICorDebugController appDomain, nint thread) => appDomain.Continue();
    public void UnloadModule(ICorDebugController appDomain, nint module) => appDomain.Continue();
    public void LoadClass(ICorDebugController appDomain, nint type) => appDomain.Continue();
    public void UnloadClass(ICorDebugController appDomain, nint type) => appDomain.Continue();
    public void LogMessage(ICorDebugController appDomain, nint thread, int level, nint category, nint message) => appDomain.Continue();
    public void LogSwitch(ICorDebugController appDomain, nint thread, int level, int reason, nint category, nint parent) => appDomain.Continue();
    public void CreateAppDomain(ICorDebugController process, nint appDomain) => process.Continue();
    public void ExitAppDomain(ICorDebugController process, nint appDomain) => process.Continue();
    public void LoadAssembly(ICorDebugController appDomain, nint assembly) => appDomain.Continue();
    public void UnloadAssembly(ICorDebugController appDomain, nint assembly) => appDomain.Continue();
    public void ControlCTrap(ICorDebugController process) => process.Continue();
    public void NameChange(ICorDebugController appDomain, nint thread) => appDomain.Continue();
    public void UpdateModuleSymbols(ICorDebugController appDomain, nint module, nint stream) => appDomain.Continue();
    public void EditAndContinueRemap(ICorDebugController appDomain, nint thread, nint function, int accurate) => appDomain.Continue();
    public void FunctionRemapOpportunity(ICorDebugController appDomain, nint thread, nint before, nint after, int offset) => appDomain.Continue();
    public void CreateConnection(ICorDebugController process, int id, nint name) => process.Continue();
    public void ChangeConnection(ICorDebugController process, int id) => process.Continue();
    public void DestroyConnection(ICorDebugController process, int id) => process.Continue();
    public void Exception(ICorDebugController appDomain, nint thread, nint frame, int offset, int kind, int flags) => appDomain.Continue();
    public void ExceptionUnwind(ICorDebugController appDomain, nint thread, int kind, int flags) => appDomain.Continue();
    public void FunctionRemapComplete(ICorDebugController appDomain, nint thread, nint function) => appDomain.Continue();
    public void MDANotification(ICorDebugController controller, nint thread, nint assistant) => controller.Continue();

    /// <summary>An exception here would reach only the engine, and the program would stand still for ever.</summary>
    private static void Do(ICorDebugController controller, TaskCompletionSource failure, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            failure.TrySetException(exception);
        }

        controller.Continue();
    }

    private void Fail(ICorDebugController controller, string message)
    {
        InvalidOperationException failure = new(message);
        set.TrySetException(failure);
        ended.TrySetException(failure);
        controller.Continue();
    }
}
