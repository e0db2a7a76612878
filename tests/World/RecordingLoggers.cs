using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Backhaul.World;

/// <summary>Keeps what is logged, so that a test can look at it.</summary>
internal sealed class RecordingLoggers(VirtualTime time) : ILoggerFactory
{
    private readonly ConcurrentQueue<Line> _lines = new();

    public IReadOnlyList<Line> Lines => [.. _lines];

    public IReadOnlyList<Line> Of(int eventId) => [.. _lines.Where(line => line.EventId == eventId)];

    public ILogger CreateLogger(string categoryName) => new Recorder(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    internal sealed record Line(TimeSpan At, string Category, LogLevel Level, int EventId, string Text, Exception? Exception);

    private sealed class Recorder(RecordingLoggers owner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            owner._lines.Enqueue(new Line(owner.Time.Elapsed, category, logLevel, eventId.Id, formatter(state, exception), exception));
    }

    private VirtualTime Time => time;
}
