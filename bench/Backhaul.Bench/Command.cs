using System.Diagnostics;
using System.Globalization;
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
        return process.ExitCode == 0 ? meter.Stop(seconds) : throw Failed(words, process);
    }

    /// <summary>Runs a program that prints its own seconds and CPU seconds at its end, without what its start took.</summary>
    public static async Task<Measurement> MeasureReportedAsync(IReadOnlyList<string> words)
    {
        var last = "";
        using var process = Start(words, line => last = line);
        using var meter = ProcessMeter.Watch(process.Id);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw Failed(words, process);
        var figures = last.Split(' ');
        return meter.Stop(0) with
        {
            Seconds = double.Parse(figures[0], CultureInfo.InvariantCulture),
            CpuSeconds = double.Parse(figures[1], CultureInfo.InvariantCulture),
        };
    }

    /// <summary>Runs to a good end.</summary>
    public static async Task RunAsync(IReadOnlyList<string> words)
    {
        using var process = Start(words);
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw Failed(words, process);
    }

    public static Process Start(IReadOnlyList<string> words, Action<string>? onLine = null)
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
        process.OutputDataReceived += (_, line) =>
        {
            if (!string.IsNullOrEmpty(line.Data))
                onLine?.Invoke(line.Data);
        };
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
    public static Task SettleAsync() => RunAsync(["sync"]);

    private static InvalidOperationException Failed(IReadOnlyList<string> words, Process process) =>
        new($"'{string.Join(' ', words)}' ended with code {process.ExitCode}.");
}
