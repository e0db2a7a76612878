namespace Backhaul.Node.Hosting;

internal sealed partial class NodeDrain
{
    [LoggerMessage(9000, LogLevel.Information, "Draining: sessions put their work down, within {Seconds} s; a second signal ends the process at once")]
    private partial void LogDraining(double seconds);

    [LoggerMessage(9001, LogLevel.Information, "Drained in {Seconds:0.00} s")]
    private partial void LogDrained(double seconds);

    [LoggerMessage(9002, LogLevel.Warning, "Drain: {Step} was given up after {Seconds:0.0} s; the next start makes good what it left")]
    private partial void LogLate(string step, double seconds);

    [LoggerMessage(9003, LogLevel.Error, "Drain: {Step} failed; the next start makes good what it left")]
    private partial void LogFailed(Exception failure, string step);
}
