using System.Diagnostics;

namespace Backhaul.Bench;

/// <summary>A PostgreSQL of its own, durable as it comes, on the disk under test.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _bin;
    private readonly int _port;

    private PostgresServer(Process process, string bin, int port) => (_process, _bin, _port) = (process, bin, port);

    public static async Task<PostgresServer> StartAsync(WorkFolder work)
    {
        var bin = Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
            .Where(folder => File.Exists(Path.Combine(folder, "postgres"))).MaxBy(folder => folder, StringComparer.Ordinal)
            ?? throw new InvalidOperationException("No PostgreSQL below /usr/lib/postgresql.");
        var (folder, port) = (work.Fresh("postgres"), Command.FreePort());
        await Command.RunAsync(["chmod", "0711", work.Root]);
        string[] user = [];
        if (Environment.UserName == "root")
        {
            await Command.RunAsync(["chown", "postgres", folder]);
            user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
        }
        var data = Path.Combine(folder, "data");
        await Command.RunAsync([.. user, Path.Combine(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]);
        var process = Command.Start(
        [
            .. user, Path.Combine(bin, "postgres"), "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", $"port={port}",
            "-c", $"unix_socket_directories={folder}", "-c", "max_connections=200", "-c", "logging_collector=on",
        ]);
        var server = new PostgresServer(process, bin, port);
        var waited = Stopwatch.StartNew();
        while (!await server.IsReadyAsync())
        {
            if (process.HasExited || waited.Elapsed > TimeSpan.FromSeconds(30))
                throw new InvalidOperationException("PostgreSQL did not become ready.");
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
        foreach (var database in (string[])["node", "many", "quartz"])
            await Command.RunAsync([Path.Combine(bin, "createdb"), "-h", "127.0.0.1", "-p", $"{port}", "-U", "postgres", database]);
        return server;
    }

    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={_port};Username=postgres;Database={database};Maximum Pool Size=100";

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private async Task<bool> IsReadyAsync()
    {
        using var asking = Command.Start([Path.Combine(_bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", $"{_port}"]);
        await asking.WaitForExitAsync();
        return asking.ExitCode == 0;
    }
}
