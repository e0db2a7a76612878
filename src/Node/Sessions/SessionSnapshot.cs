using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>The state of a session after an event, one section per part. Persisted: append only, another shape is another format.</summary>
internal sealed record SessionSnapshot
{
    public const string Format = "session.snapshot.v1";

    public required SessionPhase Phase { get; init; }
    public required int Generation { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required long LastOrdinal { get; init; }
    public required bool Paused { get; init; }
    public SessionEnding? Ending { get; init; }
    public required EndedCounts Ended { get; init; }
    public required SortedDictionary<int, SessionConfiguration> Configurations { get; init; }
    public required IReadOnlyList<TaskState> Tasks { get; init; }

    /// <summary>Null when there are none, and in snapshots of builds that knew none.</summary>
    public IReadOnlyList<GroupState>? Groups { get; init; }

    /// <summary>Null when there are none, and in snapshots of builds that knew none.</summary>
    public IReadOnlyList<CompletionState>? CompletionGroups { get; init; }
    public required long LastNumber { get; init; }
    public required long Acknowledged { get; init; }
    public required bool DrainDue { get; init; }
    public required IReadOnlyList<KeptFile> Temporary { get; init; }
    public required IReadOnlyList<CommandAnswered> Ledger { get; init; }
    public PushSnapshot? Push { get; init; }
    public LaunchSnapshot? Launching { get; init; }
    public ExpirySnapshot? Expiry { get; init; }

    /// <summary>Null in snapshots of earlier releases, and when there are none.</summary>
    public NotificationsSnapshot? Notifications { get; init; }

    /// <summary>Null in snapshots of earlier releases, and when there are none.</summary>
    public IReadOnlyList<AbandonedUpload>? Abandoned { get; init; }

    /// <summary>Null in snapshots of builds that knew none, and when nothing was ever prefetched.</summary>
    public PrefetchSnapshot? Prefetch { get; init; }

    public static SessionSnapshot Of(Session session) => new()
    {
        Phase = session.Phase,
        Generation = session.Generation,
        CreatedAt = session.CreatedAt,
        LastOrdinal = session.LastOrdinal,
        Paused = session.Paused,
        Ending = session.Ending,
        Ended = session.Ended,
        Configurations = new SortedDictionary<int, SessionConfiguration>(session.Configurations.Versions.ToDictionary()),
        Tasks = [.. session.Tasks.After(0)],
        Groups = session.Groups.Count > 0 ? [.. session.Groups.States] : null,
        CompletionGroups = session.Completions.Count > 0 ? [.. session.Completions.States] : null,
        LastNumber = session.Delivery.LastNumber,
        Acknowledged = session.Delivery.Acknowledged,
        DrainDue = session.Delivery.DrainDue,
        Temporary = [.. session.Delivery.Temporary.Select(kept =>
            new KeptFile(kept.Key, kept.Value.Generation, kept.Value.Task, kept.Value.Container.ToString()))],
        Ledger = [.. session.Ledger.Entries],
        Abandoned = session.Abandoned.All.Count > 0 ? [.. session.Abandoned.All] : null,
        Prefetch = session.Prefetch.ToSnapshot(),
        Push = PushSnapshot.Of(session.Push),
        Launching = session.Launching.ToSnapshot(),
        Notifications = session.Notifications.ToSnapshot(),
        Expiry = new ExpirySnapshot([.. session.Delivery.Ages.Marks], session.Delivery.ExpiredThrough, session.Delivery.NewestOther),
    };

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, SessionJson.Default.SessionSnapshot);

    /// <summary>Null when it cannot be read: the older one is tried.</summary>
    public static SessionSnapshot? Decode(string format, ReadOnlyMemory<byte> payload)
    {
        if (format != Format)
            return null;
        try
        {
            return JsonSerializer.Deserialize(payload.Span, SessionJson.Default.SessionSnapshot);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A temporary result that lives until the event of this number is acknowledged.</summary>
internal sealed record KeptFile(long Number, int Generation, TaskId Task, string Container);
