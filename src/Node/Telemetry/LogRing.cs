using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Backhaul.Node.Telemetry;

/// <summary>One line of the log as operators see it.</summary>
internal sealed record LogEntry(DateTimeOffset At, LogLevel Level, int Event, string Category, string Message, string? Exception);

/// <summary>
/// The newest lines of the log, in memory, for <c>log tail</c>. Bounded in lines and in their length; a follower that is slower than
/// the log loses the oldest of what it has not read and is told how many.
/// </summary>
[ProviderAlias("Ring")]
internal sealed class LogRing(TimeProvider time) : ILoggerProvider
{
    public const int Capacity = 2000;
    private const int TextMax = 4096;

    private readonly Lock _gate = new();
    private readonly Queue<LogEntry> _entries = new(Capacity);
    private readonly List<LogFollower> _followers = [];

    /// <summary>The newest lines that are at least this severe, oldest first.</summary>
    public IReadOnlyList<LogEntry> Newest(int lines, LogLevel from)
    {
        lock (_gate)
            return [.. _entries.Where(e => e.Level >= from).TakeLast(lines)];
    }

    /// <summary>The newest lines, then every new one, without a gap between them. The follower must be disposed.</summary>
    public LogFollower Follow(int lines, LogLevel from)
    {
        lock (_gate)
        {
            var follower = new LogFollower(this, from);
            foreach (var entry in _entries.Where(e => e.Level >= from).TakeLast(lines))
                follower.Offer(entry);
            _followers.Add(follower);
            return follower;
        }
    }

    public ILogger CreateLogger(string categoryName) => new RingLogger(this, categoryName);

    public void Dispose()
    {
    }

    internal void Remove(LogFollower follower)
    {
        lock (_gate)
            _followers.Remove(follower);
    }

    private void Add(LogLevel level, int id, string category, string message, Exception? exception)
    {
        var entry = new LogEntry(time.GetUtcNow(), level, id, category, Cut(message), exception is null ? null : Cut(Describe(exception)));
        lock (_gate)
        {
            if (_entries.Count == Capacity)
                _entries.Dequeue();
            _entries.Enqueue(entry);
            foreach (var follower in _followers)
                follower.Offer(entry);
        }
    }

    private static string Describe(Exception exception) => exception.InnerException is { } inner
        ? $"{exception.GetType().Name}: {exception.Message} ← {Describe(inner)}"
        : $"{exception.GetType().Name}: {exception.Message}";

    private static string Cut(string text) => text.Length <= TextMax ? text : string.Concat(text.AsSpan(0, TextMax), "…");

    private sealed class RingLogger(LogRing ring, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                ring.Add(logLevel, eventId.Id, category, formatter(state, exception), exception);
        }
    }
}

/// <summary>One reader of the ring.</summary>
internal sealed class LogFollower : IDisposable
{
    private readonly LogRing _ring;
    private readonly LogLevel _from;
    private readonly Channel<LogEntry> _lines;
    private long _dropped;

    internal LogFollower(LogRing ring, LogLevel from)
    {
        _ring = ring;
        _from = from;
        _lines = Channel.CreateBounded<LogEntry>(
            new BoundedChannelOptions(LogRing.Capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            _ => Interlocked.Increment(ref _dropped));
    }

    public async IAsyncEnumerable<LogEntry> ReadAllAsync([EnumeratorCancellation] CancellationToken stop)
    {
        while (await _lines.Reader.WaitToReadAsync(stop))
        {
            while (_lines.Reader.TryRead(out var entry))
                yield return entry;
        }
    }

    /// <summary>How many lines were lost since the last call.</summary>
    public long TakeDropped() => Interlocked.Exchange(ref _dropped, 0);

    public void Dispose() => _ring.Remove(this);

    internal void Offer(LogEntry entry)
    {
        if (entry.Level >= _from)
            _lines.Writer.TryWrite(entry);
    }
}
