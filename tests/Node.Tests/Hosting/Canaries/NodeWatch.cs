using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using Microsoft.Extensions.Logging;

namespace Backhaul.Node.Tests.Hosting.Canaries;

/// <summary>Everything a node says besides its answers: logs of every level with their arguments, spans with tags, events and states, tags of meters, and the platform's own events.</summary>
internal sealed class NodeWatch : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<(string Source, string Text)> _said = new();
    private readonly ActivityListener _spans;
    private readonly MeterListener _meters = new();
    private readonly Sources _sources;

    public NodeWatch()
    {
        _spans = new ActivityListener
        {
            ShouldListenTo = static _ => true,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span => Say($"span {span.Source.Name}", Describe(span)),
        };
        ActivitySource.AddActivityListener(_spans);
        _meters.InstrumentPublished = static (instrument, listener) => listener.EnableMeasurementEvents(instrument);
        _meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Say($"meter {instrument.Name}", DescribeTags(tags)));
        _meters.SetMeasurementEventCallback<int>((instrument, _, tags, _) => Say($"meter {instrument.Name}", DescribeTags(tags)));
        _meters.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Say($"meter {instrument.Name}", DescribeTags(tags)));
        _meters.Start();
        _sources = new Sources(this);
    }

    public IReadOnlyList<(string Source, string Text)> Said => [.. _said];

    public void Say(string source, string text) => _said.Enqueue((source, text));

    public void Stop()
    {
        _sources.Dispose();
        _spans.Dispose();
        _meters.Dispose();
    }

    public ILogger CreateLogger(string categoryName) => this;

    /// <summary>The node that it was given to disposes it and is not the last.</summary>
    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        Say("scope", Describe(state));
        return null;
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Say($"log {eventId}", $"{formatter(state, exception)} {Describe(state)} {exception}");

    private static string Describe(object? state) =>
        state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : state?.ToString() ?? "";

    private static string DescribeTags(ReadOnlySpan<KeyValuePair<string, object?>> tags) => Describe((object)tags.ToArray());

    private static string Describe(Activity span) =>
        $"{span.OperationName} {span.DisplayName} {span.StatusDescription} {Describe(span.TagObjects)} {Describe(span.Baggage.Select(pair => KeyValuePair.Create(pair.Key, (object?)pair.Value)))} "
        + string.Join(' ', span.Events.Select(happened => $"{happened.Name} {Describe(happened.Tags)}"));

    private sealed class Sources : EventListener
    {
        private readonly NodeWatch? _watch;

        public Sources(NodeWatch watch)
        {
            _watch = watch;
            foreach (var source in EventSource.GetSources())
                Enable(source);
        }

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            base.OnEventSourceCreated(eventSource);
            if (_watch is not null)
                Enable(eventSource);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData) =>
            _watch?.Say($"event source {eventData.EventSource.Name}", $"{eventData.EventName} {string.Join(' ', eventData.Payload ?? [])}");

        private void Enable(EventSource source)
        {
            if (source.Name.StartsWith("System.Net.", StringComparison.Ordinal) || source.Name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
                || source.Name is "Microsoft-AspNetCore-Server-Kestrel" or "Npgsql")
            {
                EnableEvents(source, EventLevel.Verbose, EventKeywords.All);
            }
        }
    }
}
