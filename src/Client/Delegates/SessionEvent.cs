using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>A numbered event as a delegate gets it.</summary>
public record SessionEvent
{
    internal SessionEvent(BackgroundSession session, EventView view)
    {
        Session = session;
        View = view;
    }

    /// <summary>Whose event it is.</summary>
    public BackgroundSession Session { get; }

    /// <summary>The event as it came.</summary>
    public EventView View { get; }

    /// <summary>1, 2, 3 … without gaps; the de-duplication key.</summary>
    public long Number => View.Number;

    /// <summary>When it happened.</summary>
    public DateTimeOffset At => View.At;
}

/// <summary>A numbered event with data.</summary>
/// <typeparam name="TData">What belongs to its type.</typeparam>
public sealed record SessionEvent<TData> : SessionEvent
{
    internal SessionEvent(BackgroundSession session, EventView view, TData data)
        : base(session, view) => Data = data;

    /// <summary>What belongs to its type.</summary>
    public TData Data { get; }
}

/// <summary>A numbered event of a task.</summary>
/// <typeparam name="TData">What belongs to its type.</typeparam>
public sealed record TaskEvent<TData> : SessionEvent
{
    internal TaskEvent(BackgroundSession session, EventView view, TData data)
        : base(session, view)
    {
        Task = view.Task ?? throw new JsonException($"Event {view.Number} ({view.Type}) names no task.");
        Data = data;
    }

    /// <summary>The task's id; <see cref="BackgroundSession.FindTaskAsync"/> makes an object of it.</summary>
    public string Task { get; }

    /// <summary>What belongs to its type.</summary>
    public TData Data { get; }
}
