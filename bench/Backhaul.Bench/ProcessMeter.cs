using System.Globalization;

namespace Backhaul.Bench;

/// <summary>CPU time (its ended children's too) and peak memory of a process and its children, from /proc, sampled: the last look counts.</summary>
internal sealed class ProcessMeter : IDisposable
{
    private const double TicksPerSecond = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);
    private readonly int _process;
    private readonly double _cpuAtStart;
    private readonly Timer _timer;
    private double _cpu;
    private long _peak;

    private ProcessMeter(int process)
    {
        _process = process;
        ResetPeak(process);
        _cpuAtStart = CpuOf(process) ?? 0;
        _cpu = _cpuAtStart;
        _timer = new Timer(_ => Look(), null, TimeSpan.Zero, Interval);
    }

    /// <summary>From now on.</summary>
    public static ProcessMeter Watch(int process) => new(process);

    public Measurement Stop(double seconds)
    {
        _timer.Dispose();
        Look();
        return new Measurement(seconds, _cpu - _cpuAtStart, _peak);
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>Resident memory at this moment.</summary>
    public static long ResidentBytes(int process) => StatusOf(process, "VmRSS:") ?? throw new InvalidOperationException($"Process {process} has ended.");

    private void Look()
    {
        var children = (TryRead($"/proc/{_process}/task/{_process}/children") ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture)).ToList();
        _cpu = Math.Max(_cpu, (CpuOf(_process) ?? 0) + children.Sum(child => CpuOf(child) ?? 0));
        _peak = Math.Max(_peak, children.Append(_process).Max(one => StatusOf(one, "VmHWM:") ?? 0));
    }

    private static double? CpuOf(int process)
    {
        if (TryRead($"/proc/{process}/stat") is not { Length: > 0 } stat)
            return null;
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return fields[11..15].Sum(field => long.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static long? StatusOf(int process, string name)
    {
        var line = TryRead($"/proc/{process}/status")?.Split('\n').FirstOrDefault(text => text.StartsWith(name, StringComparison.Ordinal));
        return line is null ? null : 1024 * long.Parse(line[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
    }

    /// <summary>Peak memory counts from here; where the system forbids it, it counts from the process's start.</summary>
    private static void ResetPeak(int process)
    {
        try
        {
            File.WriteAllText($"/proc/{process}/clear_refs", "5");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"Peak memory of {process} counts from its start: {refused.Message}");
        }
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null; // the process has just ended
        }
    }
}
