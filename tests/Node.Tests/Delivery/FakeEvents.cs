using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Protocol;

namespace Backhaul.Node.Tests.Delivery;

/// <summary>A session's events in memory.</summary>
internal sealed class FakeEvents : IEventSource
{
    public static readonly DateTimeOffset At = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public List<EventView> Events { get; } = [];

    /// <summary>What the next readings answer instead.</summary>
    public Queue<EventReading> Instead { get; } = new();

    public int Readings { get; private set; }

    /// <summary>The session does not answer until the reader gives up.</summary>
    public bool IsStuck { get; set; }

    public void Add(string type = EventTypes.TaskCreated, string? task = "t1", string data = "{}") => Events.Add(new EventView
    {
        Number = Events.Count + 1,
        Type = type,
        At = At,
        Task = task,
        Data = JsonElement.Parse(data),
    });

    public ValueTask<EventReading> ReadAsync(SessionKey session, long after, int limit, CancellationToken stop)
    {
        Readings++;
        if (IsStuck)
            return NeverAsync(stop);
        return ValueTask.FromResult(Instead.TryDequeue(out var instead) ? instead : Page(after, limit));
    }

    private static async ValueTask<EventReading> NeverAsync(CancellationToken stop)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
        throw new InvalidOperationException("It never ends.");
    }

    public EventReading.Page Page(long after, int limit = 256)
    {
        var page = new EventPage { Events = [.. Events.Where(view => view.Number > after).Take(limit)], Last = Events.Count, Acknowledged = 0 };
        return new EventReading.Page(page, JsonSerializer.SerializeToUtf8Bytes(page, ProtocolJson.Default.EventPage));
    }

    public static Problem Problem(int status, string code) => new() { Status = status, Code = code, Detail = "No." };
}
