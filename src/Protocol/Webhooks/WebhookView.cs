namespace Backhaul.Protocol;

/// <summary>What a webhook of a session is doing: its push, or its launches.</summary>
public sealed record WebhookView
{
    /// <summary><c>push</c> or <c>launch</c>.</summary>
    public required string Target { get; init; }

    /// <summary>Where it goes.</summary>
    public required string Url { get; init; }

    /// <summary>False: nothing is sent until it is enabled.</summary>
    public required bool Enabled { get; init; }

    /// <summary>Since when it is disabled.</summary>
    public DateTimeOffset? DisabledAt { get; init; }

    /// <summary>Why, in a sentence.</summary>
    public string? DisabledWhy { get; init; }

    /// <summary>Of a push: how many events lie between the last that was taken and the last that is wanted, with those that its types pass over. Of launches: 1 when one is wanted and not delivered.</summary>
    public required long Pending { get; init; }

    /// <summary>When the next message is sent; left out when none is.</summary>
    public DateTimeOffset? NextAt { get; init; }

    /// <summary>The newest failure, until something is taken.</summary>
    public WebhookFailureView? LastFailure { get; init; }

    /// <summary>The replay that is under way.</summary>
    public ReplayView? Replay { get; init; }
}

/// <summary>A message that a receiver did not take.</summary>
public sealed record WebhookFailureView
{
    /// <summary>When that was known.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Of the event, or of the launch.</summary>
    public required long Number { get; init; }

    /// <summary>1 for the first attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>Of the answer, when there was one.</summary>
    public int? Status { get; init; }

    /// <summary>What came of it, in a sentence.</summary>
    public required string Why { get; init; }
}

/// <summary>Events that are being sent again.</summary>
public sealed record ReplayView
{
    /// <summary>The last one that was taken again, or the one before the first.</summary>
    public required long After { get; init; }

    /// <summary>The last one that is sent again.</summary>
    public required long Through { get; init; }
}
