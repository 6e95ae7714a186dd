using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;

namespace ModelCompiler.Debugger;

// Of the runtime's cordebug.idl what is used here. A method is known by its place in the list: those before the last one that is called stand here too, without their parameters.

/// <summary>The engine.</summary>
[GeneratedComInterface, Guid("3d6f5f61-7538-11d3-8d5b-00104b35e7ef")]
internal partial interface ICorDebug
{
    void Initialize();
    void Terminate();
    void SetManagedHandler(ICorDebugManagedCallback callback);
    void SetUnmanagedHandler();
    void CreateProcess();
    ICorDebugController DebugActiveProcess(int id, [MarshalAs(UnmanagedType.Bool)] bool native);
}

/// <summary>A process or an application domain, which stands still while it is looked at.</summary>
[GeneratedComInterface, Guid("3d6f5f62-7538-11d3-8d5b-00104b35e7ef")]
internal partial interface ICorDebugController
{
    void Stop();
    void Continue([MarshalAs(UnmanagedType.Bool)] bool outOfBand = false);
}

/// <summary>A loaded assembly.</summary>
[GeneratedComInterface, Guid("dba2d8c1-e5c5-4069-8c13-10a7c6abf43d")]
internal unsafe partial interface ICorDebugModule
{
    void GetProcess();
    void GetBaseAddress();
    void GetAssembly();
    void GetName(int capacity, out int length, char* name);
    void EnableJITDebugging();
    void EnableClassLoadCallbacks();
    ICorDebugFunction GetFunctionFromToken(int method);
}

/// <summary>A method.</summary>
[GeneratedComInterface, Guid("CC7BCAF3-8A68-11d2-983C-0000F808342D")]
internal partial interface ICorDebugFunction
{
    void GetModule();
    void GetClass();
    void GetToken();
    ICorDebugCode GetILCode();
}

/// <summary>A method's IL.</summary>
[GeneratedComInterface, Guid("CC7BCAF4-8A68-11d2-983C-0000F808342D")]
internal partial interface ICorDebugCode
{
    void IsIL();
    void GetFunction();
    void GetAddress();
    void GetSize();
    ICorDebugFunctionBreakpoint CreateBreakpoint(int offset);
}

/// <summary>A breakpoint.</summary>
[GeneratedComInterface, Guid("CC7BCAE9-8A68-11d2-983C-0000F808342D")]
internal partial interface ICorDebugFunctionBreakpoint
{
    void Activate([MarshalAs(UnmanagedType.Bool)] bool active);
}

/// <summary>A thread of the program.</summary>
[GeneratedComInterface, Guid("938c6d66-7fb6-4f69-b389-425b8987329b")]
internal partial interface ICorDebugThread
{
    void GetProcess();
    void GetID();
    void GetHandle();
    void GetAppDomain();
    void SetDebugState();
    void GetDebugState();
    void GetUserState();
    void GetCurrentException();
    void ClearCurrentException();
    void CreateStepper();
    void EnumerateChains();
    void GetActiveChain();
    ICorDebugILFrame GetActiveFrame();
}

/// <summary>A call of a method, on a thread's stack.</summary>
[GeneratedComInterface, Guid("03E26311-4F76-11d3-88C6-006097945418")]
internal partial interface ICorDebugILFrame
{
    void GetChain();
    void GetCode();
    void GetFunction();
    int GetFunctionToken();
    void GetStackRange();
    void GetCaller();
    void GetCallee();
    void CreateStepper();
    void GetIP(out int offset, out int mapping);
}
