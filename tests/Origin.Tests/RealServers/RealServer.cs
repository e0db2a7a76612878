using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>
/// A server of the distribution, started by a test as an ordinary user in a folder of its own, on a free port of 127.0.0.1, and ended by its process id.
/// </summary>
internal sealed class RealServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private RealServer(Process process, ServerFolder folder)
    {
        (_process, Folder) = (process, folder);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public ServerFolder Folder { get; }

    /// <summary>The lines of its access log so far.</summary>
    public IReadOnlyList<string> Log => File.Exists(Folder.At("access.log")) ? File.ReadAllLines(Folder.At("access.log")) : [];

    /// <summary>Runs <paramref name="command"/>, which stays in the foreground, until something answers at each port.</summary>
    public static async Task<RealServer> StartAsync(ServerFolder folder, IReadOnlyList<string> command, params int[] ports)
    {
        IReadOnlyList<string> words = [.. Machine.AsOrdinaryUser, .. command];
        var start = new ProcessStartInfo(words[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = folder.Root,
        };
        foreach (var word in words.Skip(1))
            start.ArgumentList.Add(word);
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        var server = new RealServer(process, folder);
        foreach (var port in ports)
        {
            await Eventually.TrueAsync(
                () => process.HasExited ? throw new InvalidOperationException($"{command[0]} ended:\n{server.Said}") : AnswersAsync(port),
                Patience, () => $"{command[0]} to answer at {port}; it said:\n{server.Said}");
        }
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        // Its workers are its children; they go with it, each by its id.
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        Folder.Dispose();
    }

    private string Said
    {
        get
        {
            var log = File.Exists(Folder.At("error.log")) ? File.ReadAllText(Folder.At("error.log")) : "";
            lock (_output)
                return _output + log;
        }
    }

    private static async Task<bool> AnswersAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Keep(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }
}
