namespace Backhaul.Node.Ops.Palettes;

internal sealed partial class PaletteExecutor
{
    [LoggerMessage(8010, LogLevel.Information, "Operator {Who} runs '{Command}'. Reason: {Reason}")]
    private partial void LogWrites(string who, string command, string reason);

    [LoggerMessage(8011, LogLevel.Error, "The command '{Palette} {Command}' failed")]
    private partial void LogFailed(Exception failure, string palette, string command);

    [LoggerMessage(8012, LogLevel.Error, "The result of '{Command}' is missing in the audit log: {Fault}")]
    private partial void LogAuditLost(string command, string fault);

    [LoggerMessage(8013, LogLevel.Debug, "The caller of '{Palette} {Command}' left before its end")]
    private partial void LogLeft(string palette, string command);
}
