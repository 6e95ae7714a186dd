using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace ModelCompiler.Debugger;

/// <summary>The engine calls one of these for each event and waits for <see cref="ICorDebugController.Continue"/>. What is not looked at stays an address.</summary>
[GeneratedComInterface, Guid("3d6f5f60-7538-11d3-8d5b-00104b35e7ef")]
internal partial interface ICorDebugManagedCallback
{
    void Breakpoint(ICorDebugController appDomain, ICorDebugThread thread, nint breakpoint);
    void StepComplete(ICorDebugController appDomain, nint thread, nint stepper, int reason);
    void Break(ICorDebugController appDomain, nint thread);
    void Exception(ICorDebugController appDomain, nint thread, int unhandled);
    void EvalComplete(ICorDebugController appDomain, nint thread, nint eval);
    void EvalException(ICorDebugController appDomain, nint thread, nint eval);
    void CreateProcess(ICorDebugController process);
    void ExitProcess(ICorDebugController process);
    void CreateThread(ICorDebugController appDomain, nint thread);
    void ExitThread(ICorDebugController appDomain, nint thread);
    void LoadModule(ICorDebugController appDomain, ICorDebugModule module);
    void UnloadModule(ICorDebugController appDomain, nint module);
    void LoadClass(ICorDebugController appDomain, nint type);
    void UnloadClass(ICorDebugController appDomain, nint type);
    void DebuggerError(ICorDebugController process, int error, int code);
    void LogMessage(ICorDebugController appDomain, nint thread, int level, nint category, nint message);
    void LogSwitch(ICorDebugController appDomain, nint thread, int level, int reason, nint category, nint parent);
    void CreateAppDomain(ICorDebugController process, nint appDomain);
    void ExitAppDomain(ICorDebugController process, nint appDomain);
    void LoadAssembly(ICorDebugController appDomain, nint assembly);
    void UnloadAssembly(ICorDebugController appDomain, nint assembly);
    void ControlCTrap(ICorDebugController process);
    void NameChange(ICorDebugController appDomain, nint thread);
    void UpdateModuleSymbols(ICorDebugController appDomain, nint module, nint stream);
    void EditAndContinueRemap(ICorDebugController appDomain, nint thread, nint function, int accurate);
    void BreakpointSetError(ICorDebugController appDomain, nint thread, nint breakpoint, int error);
}

/// <summary>Events that came later; an engine takes no listener without them.</summary>
[GeneratedComInterface, Guid("250E5EEA-DB5C-4C76-B6F3-8C46F12E3203")]
internal partial interface ICorDebugManagedCallback2
{
    void FunctionRemapOpportunity(ICorDebugController appDomain, nint thread, nint before, nint after, int offset);
    void CreateConnection(ICorDebugController process, int id, nint name);
    void ChangeConnection(ICorDebugController process, int id);
    void DestroyConnection(ICorDebugController process, int id);
    void Exception(ICorDebugController appDomain, nint thread, nint frame, int offset, int kind, int flags);
    void ExceptionUnwind(ICorDebugController appDomain, nint thread, int kind, int flags);
    void FunctionRemapComplete(ICorDebugController appDomain, nint thread, nint function);
    void MDANotification(ICorDebugController controller, nint thread, nint assistant);
}
