using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.NodeProcesses;

/// <summary>
/// A program of npm that tests talk to. <c>tests/Peers/package.json</c> pins the versions; they are installed once for each list, into a cache outside
/// of the project (<c>BACKHAUL_TEST_PEERS</c>, or a folder below the system's temporary one), and scripts of <c>tests/Peers</c> run there.
/// </summary>
internal sealed class NpmPeer : IAsyncDisposable
{
    private const int ErrorCharsMax = 64 * 1024;

    private static readonly TimeSpan InstallWithin = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StartWithin = TimeSpan.FromSeconds(60);
    private static readonly string Source = Path.Combine(Build.Root, "tests/Peers");
    private static readonly Lazy<Task<string>> Installed = new(InstallAsync);

    private readonly Process _process;

    private NpmPeer(Process process) => _process = process;

    /// <summary>The first line that the script printed.</summary>
    public string Address { get; private set; } = "";

    /// <summary>The folder with <c>node_modules</c> and the scripts; installs it when it is not there.</summary>
    public static Task<string> FolderAsync() => Installed.Value;

    /// <summary>Runs a script of <c>tests/Peers</c> that prints its address when it is ready, and stays.</summary>
    public static async Task<NpmPeer> StartAsync(string script, params IEnumerable<string> arguments)
    {
        var folder = await FolderAsync();
        var process = Run("node", [Path.Combine(folder, script), .. arguments], folder);
        var ready = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var errors = new StringBuilder();
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.OutputDataReceived += (_, line) => ready.TrySetResult(line.Data); // null: it ended without a word
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var peer = new NpmPeer(process);
        try
        {
            peer.Address = await ready.Task.WaitAsync(StartWithin) ?? throw new InvalidOperationException($"{script} ended without a word.");
            return peer;
        }
        catch (Exception failed)
        {
            await peer.DisposeAsync(); // also waits until everything that it said is here
            throw new InvalidOperationException($"{script} did not start: {errors}", failed);
        }
    }

    /// <summary>Runs a script of <c>tests/Peers</c> to its end; what it printed. Fails when it does.</summary>
    public static async Task<string> RunAsync(string script, IEnumerable<string> arguments, TimeSpan within)
    {
        var folder = await FolderAsync();
        return await EndAsync(Run("node", [Path.Combine(folder, script), .. arguments], folder), within);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<string> InstallAsync()
    {
        var list = await File.ReadAllBytesAsync(Path.Combine(Source, "package.json"));
        var cache = Environment.GetEnvironmentVariable("BACKHAUL_TEST_PEERS") ?? Path.Combine(Path.GetTempPath(), "backhaul-test-peers");
        var folder = Path.Combine(cache, Convert.ToHexStringLower(SHA256.HashData(list).AsSpan(0, 6)));
        Directory.CreateDirectory(folder);
        await using var alone = await LockAsync(Path.Combine(folder, "lock"));
        var done = Path.Combine(folder, "installed");
        if (!File.Exists(done))
        {
            await File.WriteAllBytesAsync(Path.Combine(folder, "package.json"), list);
            await EndAsync(Run("npm", ["install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"], folder), InstallWithin);
            await File.WriteAllTextAsync(done, "");
        }
        foreach (var script in Directory.EnumerateFiles(Source, "*.mjs"))
            File.Copy(script, Path.Combine(folder, Path.GetFileName(script)), overwrite: true);
        return folder;
    }

    /// <summary>Test projects run beside each other: one installs, the others wait.</summary>
    private static async Task<FileStream> LockAsync(string path)
    {
        FileStream? taken = null;
        await Eventually.TrueAsync(
            () =>
            {
                try
                {
                    taken = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                }
                catch (IOException)
                {
                    taken = null; // another process has it
                }
                return Task.FromResult(taken is not null);
            },
            InstallWithin, () => $"the lock {path}");
        return taken!;
    }

    private static void Keep(StringBuilder lines, string? line)
    {
        lock (lines)
        {
            if (lines.Length < ErrorCharsMax)
                lines.AppendLine(line);
        }
    }

    private static Process Run(string program, IEnumerable<string> arguments, string folder) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        UseShellExecute = false,
        WorkingDirectory = folder,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    }) ?? throw new InvalidOperationException($"{program} did not start.");

    private static async Task<string> EndAsync(Process process, TimeSpan within)
    {
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync().WaitAsync(within);
            return process.ExitCode == 0
                ? await output
                : throw new InvalidOperationException($"{process.StartInfo.FileName} ended with {process.ExitCode}: {await output} {await errors}");
        }
    }
}
