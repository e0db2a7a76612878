namespace Backhaul.Protocol;

/// <summary>Notifications of the ends of tasks that were not taken yet, or are not sent any more.</summary>
public sealed record NotificationsView
{
    /// <summary>Sent until they are taken.</summary>
    public required int Pending { get; init; }

    /// <summary>Given up, since the session was first created.</summary>
    public required long GivenUp { get; init; }

    /// <summary>The newest of those that were given up, oldest first; absent when there are none.</summary>
    public IReadOnlyList<GivenUpView>? LastGivenUp { get; init; }
}

/// <summary>A notification that is not sent any more.</summary>
public sealed record GivenUpView
{
    /// <summary>The task.</summary>
    public required string Task { get; init; }

    /// <summary>The session's generation that the task was in.</summary>
    public required int Generation { get; init; }

    /// <summary>Who was to be told, with <c>?...</c> for a query.</summary>
    public required string Url { get; init; }

    /// <summary>How often it was sent.</summary>
    public required int Attempts { get; init; }

    /// <summary>What came of the last attempt, or why there was none.</summary>
    public required string Why { get; init; }

    /// <summary>When it was given up.</summary>
    public required DateTimeOffset At { get; init; }
}
