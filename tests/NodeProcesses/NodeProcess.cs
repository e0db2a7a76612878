using System.Diagnostics;
using System.Text;

namespace Backhaul.NodeProcesses;

/// <summary>
/// One real node process on free ports. Tests end it the way the world does: SIGKILL, SIGTERM, or by itself. Whatever a test forgets is
/// killed when it is disposed, by its own id.
/// </summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const int Terminate = 15;
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private NodeProcess(Process process, int port, int opsPort)
    {
        _process = process;
        Url = new Uri($"http://127.0.0.1:{port}");
        OpsAddress = $"127.0.0.1:{opsPort}";
        Api = new NodeApi(Url);
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Uri Url { get; }

    public string OpsAddress { get; }

    public NodeApi Api { get; }

    public int Id => _process.Id;

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public bool HasExited => _process.HasExited;

    /// <summary>Starts a node and returns at once; it may still be refused.</summary>
    /// <param name="dataDirectory">Its data directory.</param>
    /// <param name="settings">Configuration keys and values.</param>
    /// <param name="wrapper">Command words that run the node, for instance in another mount namespace.</param>
    /// <param name="port">Its port; clients that stay need the same one again after a restart.</param>
    /// <param name="environment">Environment variables.</param>
    public static NodeProcess Spawn(
        string dataDirectory, IReadOnlyDictionary<string, string>? settings = null, IReadOnlyList<string>? wrapper = null, int? port = null,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var (clientPort, opsPort) = (port ?? Machine.FreePort(), Machine.FreePort());
        IReadOnlyList<string> command =
        [
            .. wrapper ?? Machine.AsOrdinaryUser, DotnetPath(), Build.Node,
            $"--urls=http://127.0.0.1:{clientPort}", $"--Backhaul:Ops:Url=http://127.0.0.1:{opsPort}", $"--Backhaul:DataDirectory={dataDirectory}",
            "--Backhaul:Egress:Allow:0=127.0.0.1",
            .. (settings ?? new Dictionary<string, string>()).Select(pair => $"--{pair.Key}={pair.Value}"),
        ];
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        };
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0"; // it pays for itself in hours; a tenth of the processor time of a node that lives for seconds
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        foreach (var word in command.Skip(1))
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return new NodeProcess(process, clientPort, opsPort);
    }

    /// <summary>Starts a node and waits until it says that it is ready.</summary>
    public static async Task<NodeProcess> StartAsync(
        string dataDirectory, IReadOnlyDictionary<string, string>? settings = null, IReadOnlyList<string>? wrapper = null, int? port = null,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var node = Spawn(dataDirectory, settings, wrapper, port, environment);
        try
        {
            await node.ReadyAsync();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    public Task ReadyAsync() => Eventually.TrueAsync(
        async () => HasExited
            ? throw new InvalidOperationException($"The node ended with code {_process.ExitCode} before it was ready:\n{Output}")
            : await Api.IsReadyAsync(),
        StartWithin, () => "the node to be ready; it said:\n" + Output);

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM; returns the exit code.</summary>
    public Task<int> StopAsync()
    {
        Machine.Signal(_process.Id, Terminate);
        return ExitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>Waits for the process to end by itself; returns the exit code.</summary>
    public async Task<int> ExitAsync(TimeSpan within)
    {
        using var deadline = new CancellationTokenSource(within);
        try
        {
            await _process.WaitForExitAsync(deadline.Token);
        }
        catch (OperationCanceledException late)
        {
            throw new TimeoutException($"The node did not end within {within.TotalSeconds:0} s; it said:\n{Output}", late);
        }
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
        Api.Dispose();
    }

    private static string DotnetPath() => Environment.ProcessPath is { } path && Path.GetFileName(path) == "dotnet" ? path : "dotnet";

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_output)
            _output.AppendLine(line);
    }
}
