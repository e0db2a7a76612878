using Microsoft.Extensions.Logging;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>What a node logs, in the trace. Only kept when the text is: the hash has enough without it, and formatting costs.</summary>
internal sealed class SimLoggers(SimTrace trace, string node, bool isOn) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new Writer(trace, node, isOn);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class Writer(SimTrace trace, string node, bool isOn) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => isOn && logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                trace.Note(node, $"[{logLevel} {eventId.Id}] {formatter(state, exception)}{(exception is null ? "" : $" {exception.GetType().Name}: {exception.Message}")}");
        }
    }
}
