using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using ModelCompiler.EndToEnd.Tests.CommandLine;

namespace ModelCompiler.EndToEnd.Tests.Packages;

/// <summary>The template's web service, running on a free port of this machine.</summary>
internal sealed partial class WebService : IDisposable
{
    private readonly Process process;
    private readonly HttpClient client;

    private WebService(Process process, string address)
    {
        this.process = process;
        client = new HttpClient { BaseAddress = new Uri(address) };
    }

    /// <summary>Starts it, and waits until it listens.</summary>
    public static async Task<WebService> StartAsync(string program)
    {
        Process process = new() { StartInfo = new ProcessStartInfo(program, ["--urls", "http://127.0.0.1:0"]) { RedirectStandardOutput = true }, EnableRaisingEvents = true };
        TaskCompletionSource<string> listens = new(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, said) =>
        {
            if (said.Data is not null && Listening().Match(said.Data) is { Success: true } match)
            {
                listens.TrySetResult(match.Groups[1].Value);
            }
        };
        process.Exited += (_, _) => listens.TrySetException(new InvalidOperationException("It ended without listening."));
        process.Start();
        process.BeginOutputReadLine();
        return new(process, await listens.Task.WaitAsync(TimeSpan.FromMinutes(2)));
    }

    /// <summary>What it answers to a prompt.</summary>
    public async Task<string> GetAsync(string prompt, HttpStatusCode expected)
    {
        using HttpResponseMessage response = await client.GetAsync(Query(prompt));
        Assert.Equal(expected, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>Goes away as soon as it answers.</summary>
    public async Task LeaveAsync(string prompt)
    {
        using HttpResponseMessage response = await client.GetAsync(Query(prompt), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>Ctrl+C; the exit code.</summary>
    public int Interrupt()
    {
        if (OperatingSystem.IsWindows())
        {
            process.Kill();
            return 0;
        }

        ChildProcess.Interrupt(process);
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(1)), "The service goes on a minute after SIGINT.");
        return process.ExitCode;
    }

    public void Dispose()
    {
        client.Dispose();
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }

    private static Uri Query(string prompt) => new($"generate?prompt={Uri.EscapeDataString(prompt)}", UriKind.Relative);

    [GeneratedRegex(@"Now listening on: (http://\S+)")]
    private static partial Regex Listening();
}
