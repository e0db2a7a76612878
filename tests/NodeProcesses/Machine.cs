using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Backhaul.NodeProcesses;

/// <summary>Facts about the machine that the tests run on, and the few system calls they need.</summary>
internal static partial class Machine
{
    private const int Nobody = 65534;

    public static bool IsRoot { get; } = Environment.UserName == "root" || GetEffectiveUser() == 0;

    // Below the ports that the system gives to connections and to listeners without a wish: nothing takes one of these between the look and its use.
    private const int PortFirst = 10_000;
    private const int Ports = 22_000;

    private static int _port = Environment.ProcessId * 131 % Ports;

    /// <summary>A port that nobody listens on at the moment, and that this process was not given before.</summary>
    public static int FreePort()
    {
        for (var tries = 0; tries < Ports; tries++)
        {
            var port = PortFirst + (int)((uint)Interlocked.Increment(ref _port) % Ports);
            using var listener = new TcpListener(IPAddress.Loopback, port);
            try
            {
                listener.Start();
                return port;
            }
            catch (SocketException taken) when (taken.SocketErrorCode is SocketError.AddressAlreadyInUse)
            {
                // Somebody else's: the next one.
            }
        }
        throw new InvalidOperationException($"No port from {PortFirst} on is free.");
    }

    /// <summary>Command words that run the rest as an ordinary user when the tests run as root: a node is not meant to be root.</summary>
    public static IReadOnlyList<string> AsOrdinaryUser { get; } =
        IsRoot ? ["setpriv", $"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "--no-new-privs"] : [];

    /// <summary>Gives a folder to the user that nodes run as.</summary>
    public static void GiveToNode(string path)
    {
        if (IsRoot && ChangeOwner(path, Nobody, Nobody) != 0)
            throw new InvalidOperationException($"chown of {path} failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    public static void Signal(int process, int signal)
    {
        if (Send(process, signal) != 0)
            throw new InvalidOperationException($"Signal {signal} to {process} failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>Runs a command to its end; its exit code and both outputs.</summary>
    public static async Task<(int Code, string Output)> RunAsync(IReadOnlyList<string> command, TimeSpan within, string? folder = null, string? input = null)
    {
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        foreach (var word in command.Skip(1))
            start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(within);
        try
        {
            if (input is not null)
                await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var errors = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output + await errors);
        }
        catch (OperationCanceledException late)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"'{string.Join(' ', command)}' did not end within {within.TotalSeconds:0} s.", late);
        }
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, int user, int group);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Send(int process, int signal);
}
