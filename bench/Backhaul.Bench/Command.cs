using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Backhaul.Bench;

/// <summary>Runs other programs and measures them.</summary>
internal static class Command
{
    /// <summary>Runs to the end; seconds from start to exit, CPU seconds, peak memory.</summary>
    public static async Task<Measurement> MeasureAsync(IReadOnlyList<string> words)
    {
        var started = Stopwatch.GetTimestamp();
        using var process = Start(words);
        using var meter = ProcessMeter.Watch(process.Id);
        await process.WaitForExitAsync();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return process.ExitCode == 0
            ? meter.Stop(seconds)
            : throw new InvalidOperationException($"'{string.Join(' ', words)}' ended with code {process.ExitCode}.");
    }

    public static Process Start(IReadOnlyList<string> words)
    {
        var start = new ProcessStartInfo(words[0])
        {
            WorkingDirectory = Path.GetTempPath(),
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        foreach (var word in words.Skip(1))
            start.ArgumentList.Add(word);
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return process;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Writes back everything that is dirty, so that one contestant does not pay for another.</summary>
    public static async Task SettleAsync()
    {
        using var sync = Start(["sync"]);
        await sync.WaitForExitAsync();
    }
}
