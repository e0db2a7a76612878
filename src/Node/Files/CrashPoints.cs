using System.Globalization;
using Backhaul.Node.Files.Disk;

namespace Backhaul.Node.Files;

/// <summary>Ends the process as a power cut would, at a named moment chosen by configuration: nothing is flushed, closed or told.</summary>
internal sealed partial class CrashPoints : ICrashPoints
{
    private readonly string? _name;
    private int _left;

    public CrashPoints(FaultOptions options, ILogger<CrashPoints> logger)
    {
        if (options.CrashAt is null || !TryParse(options.CrashAt, out _name, out _left))
            return;
        LogArmed(logger, _name, _left);
    }

    public void Reach(string name)
    {
        if (_name is null || !string.Equals(name, _name, StringComparison.Ordinal) || Interlocked.Decrement(ref _left) != 0)
            return;
        if (LinuxLibc.IsSupported && LinuxLibc.Signal(LinuxLibc.ProcessId(), LinuxLibc.SignalKill) == 0)
            Thread.SpinWait(int.MaxValue);
        Environment.FailFast($"Crash point {name} was reached, as Backhaul:Faults:CrashAt asks.");
    }

    internal static bool TryParse(string text, out string name, out int count)
    {
        var colon = text.IndexOf(':');
        name = colon < 0 ? text : text[..colon];
        count = 1;
        return name.Length > 0
            && (colon < 0 || (int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out count) && count > 0));
    }

    [LoggerMessage(6000, LogLevel.Warning,
        "This process will KILL ITSELF at the crash point {Name} (time {Count} that it is reached): Backhaul:Faults:CrashAt is set. It is for tests of recovery only.")]
    private static partial void LogArmed(ILogger logger, string name, int count);
}
