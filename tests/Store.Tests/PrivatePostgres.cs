using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Backhaul.Store.Tests;

/// <summary>
/// A PostgreSQL server of our own, in a temporary folder on a free port, that may be stopped, broken and started again. It does not run
/// as root, so root hands it to the user postgres.
/// </summary>
internal sealed class PrivatePostgres : IDisposable
{
    private static readonly TimeSpan CommandPatience = TimeSpan.FromMinutes(1);

    private readonly string _bin;
    private readonly string _folder;
    private readonly bool _fromRoot = Environment.UserName == "root";

    private PrivatePostgres(string bin)
    {
        _bin = bin;
        _folder = Directory.CreateTempSubdirectory("backhaul-postgres-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Dispose(); // a run that is stopped halfway leaves no server behind
    }

    public int Port { get; private set; }

    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Username=postgres;Database=postgres";

    private string Data => Path.Combine(_folder, "data");

    private string LogFile => Path.Combine(_folder, "log");

    /// <summary>The folder with the programs of the newest version from 15 on that is installed; null when there is none.</summary>
    public static string? FindPrograms()
    {
        const string Root = "/usr/lib/postgresql";
        return !Directory.Exists(Root)
            ? null
            : Directory.GetDirectories(Root)
                .Select(folder => (Version: int.TryParse(Path.GetFileName(folder), out var version) ? version : 0, Bin: Path.Combine(folder, "bin")))
                .Where(found => found.Version >= 15 && File.Exists(Path.Combine(found.Bin, "postgres")))
                .OrderByDescending(found => found.Version).Select(found => found.Bin).FirstOrDefault();
    }

    public static PrivatePostgres Start()
    {
        var server = new PrivatePostgres(FindPrograms() ?? throw new InvalidOperationException(
            "These tests need PostgreSQL 15 or later: set BACKHAUL_TEST_POSTGRES to a connection string, or install it (apt-get install postgresql)."));
        if (server._fromRoot)
            Run("chown", ["postgres", server._folder]);
        server.RunAsServer("initdb", "-D", server.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                server.Port = FreePort();
                server.StartAgain();
                return server;
            }
            catch (InvalidOperationException) when (attempt < 5)
            {
                // Somebody else took the port meanwhile.
            }
        }
    }

    /// <summary>Restarts as a server that only follows another, which does not exist: it answers reads for ever.</summary>
    public void BecomeStandby()
    {
        Stop("fast");
        File.WriteAllText(Path.Combine(Data, "standby.signal"), "");
        StartAgain();
    }

    public void BecomePrimary(string setting)
    {
        Stop("fast");
        File.Delete(Path.Combine(Data, "standby.signal"));
        StartAgain(setting);
    }

    public void StartAgain(string setting = "fsync=on") => RunAsServer(
        "pg_ctl", "-s", "-D", Data, "-l", LogFile, "-w", "-t", "60",
        "-o", $"-c {setting} -c listen_addresses=127.0.0.1 -c port={Port} -c unix_socket_directories={_folder} -c max_connections=200", "start");

    /// <summary>fast rolls running transactions back; immediate is a crash.</summary>
    public void Stop(string mode) => RunAsServer("pg_ctl", "-s", "-D", Data, "-m", mode, "-w", "stop");

    public void Dispose()
    {
        if (!Directory.Exists(_folder))
            return;
        if (File.Exists(Path.Combine(Data, "postmaster.pid")))
            Stop("immediate");
        Directory.Delete(_folder, recursive: true);
    }

    private void RunAsServer(string program, params string[] arguments)
    {
        var path = Path.Combine(_bin, program);
        if (_fromRoot)
            Run("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", path, .. arguments], _folder);
        else
            Run(path, arguments, _folder);
    }

    private static void Run(string program, IEnumerable<string> arguments, string? folder = null)
    {
        // A server that is started inherits what is redirected, and would keep it open.
        var redirects = !arguments.Contains("start");
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = redirects,
            RedirectStandardOutput = redirects,
            WorkingDirectory = folder ?? "/",
        };
        start.Environment["LC_ALL"] = "C";
        using var process = Process.Start(start)!;
        var said = redirects ? process.StandardOutput.ReadToEndAsync() : Task.FromResult("");
        var errors = redirects ? process.StandardError.ReadToEnd() : "";
        if (!process.WaitForExit(CommandPatience))
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} did not end within {CommandPatience}.");
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with code {process.ExitCode}: {said.Result}{errors}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
