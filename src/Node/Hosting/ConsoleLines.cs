using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Backhaul.Node.Hosting;

/// <summary>
/// Log lines for people and for grep: one line for each entry, whatever is in it.
/// <c>12:00:00.000 INF NodeDrain: Drained in 0.31 s</c>
/// </summary>
internal sealed class ConsoleLines(TimeProvider time) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "lines";

    private const string HostCategory = "Microsoft.Extensions.Hosting.Internal.Host";
    private const int HostedServiceStartupFaulted = 11;

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        // A start that failed for a known reason is told by one sentence on the error stream (Program.cs), not by a stack as well.
        if (logEntry is { Category: HostCategory, EventId.Id: HostedServiceStartupFaulted, Exception: { } start } && StartFailures.Explain(start) is not null)
            return;
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        textWriter.Write(time.GetUtcNow().ToString("HH:mm:ss.fff"));
        textWriter.Write(Word(logEntry.LogLevel));
        textWriter.Write(ShortName(logEntry.Category));
        textWriter.Write(": ");
        WriteOnOneLine(textWriter, message);
        if (logEntry.Exception is { } exception)
        {
            textWriter.Write(" | ");
            WriteOnOneLine(textWriter, exception.ToString());
        }
        textWriter.Write('\n');
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => " TRC ",
        LogLevel.Debug => " DBG ",
        LogLevel.Information => " INF ",
        LogLevel.Warning => " WRN ",
        LogLevel.Error => " ERR ",
        LogLevel.Critical => " CRT ",
        _ => " ",
    };

    private static ReadOnlySpan<char> ShortName(string category) => category.AsSpan(category.LastIndexOf('.') + 1);

    private static void WriteOnOneLine(TextWriter writer, string text)
    {
        var rest = text.AsSpan();
        while (rest.IndexOfAnyInRange('\0', '\u001f') is var end and >= 0)
        {
            writer.Write(rest[..end]);
            writer.Write(rest[end] == '\n' ? " | " : " ");
            rest = rest[(end + 1)..];
        }
        writer.Write(rest);
    }
}
