using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What an absent client has to be told of, the launch that is under way, and the limiter. Part of the session's fold.
/// <code>
///   need ──limiter──► requested ──2xx──► delivered ──complete, all acknowledged──► ended
///                        │ ▲               │ delay passes: needed still ──► the next launch
///                        └─┘ schedule      │               not any more ──► ended
///                        └── not needed any more, gone, given up ──► ended
/// </code>
/// At most one launch is open. Force quit holds launches back until a client attaches explicitly.
/// </summary>
internal sealed class LaunchState
{
    private readonly SortedDictionary<string, LaunchNeed> _needs = new(StringComparer.Ordinal);

    public LaunchLimiter Limiter { get; private set; } = LaunchLimiter.Rested;

    /// <summary>Of the newest launch; they count on through generations.</summary>
    public long LastNumber { get; private set; }

    public LaunchRun? Open { get; private set; }

    /// <summary>When a launch ended last, other than by an operator; null: none has, or it did in an earlier release.</summary>
    public DateTimeOffset? EndedAt { get; private set; }

    /// <summary>A completed launch has dealt with everything up to this event.</summary>
    public long HandledThrough { get; private set; }

    /// <summary>By a force quit.</summary>
    public bool IsHeld { get; private set; }

    /// <summary>Why nothing is sent any more until somebody says otherwise.</summary>
    public string? Disabled { get; private set; }

    /// <summary>Since when; null when nothing is, or an earlier release disabled it.</summary>
    public DateTimeOffset? DisabledAt { get; private set; }

    /// <summary>The newest failure since something was taken.</summary>
    public WebhookFailure? LastFailure { get; private set; }

    /// <summary>Which target since the session was loaded: an answer of an earlier one says nothing of this one.</summary>
    public int Target { get; private set; }

    /// <summary>What stands longest; null: nobody has to be told anything.</summary>
    public LaunchNeed? NeedAfter(long acknowledged)
    {
        LaunchNeed? oldest = null;
        foreach (var need in _needs.Values)
        {
            if (need.Number > Math.Max(acknowledged, HandledThrough) && !(oldest?.Since <= need.Since))
                oldest = need;
        }
        return oldest;
    }

    public void OnNeeded(string reason, long number, DateTimeOffset at, long acknowledged)
    {
        var stood = _needs.TryGetValue(reason, out var before) && before.Number > Math.Max(acknowledged, HandledThrough);
        _needs[reason] = new LaunchNeed(reason, number, stood ? before!.Since : at);
    }

    public void OnRequested(LaunchRequested requested)
    {
        LastNumber = requested.Number;
        Limiter = Limiter.Launched(requested.Level, requested.At);
        Open = new LaunchRun(requested.Number, requested.Reason, requested.Through, requested.At, IsDelivered: false, Tries: null);
    }

    public void OnDelivered(long number, DateTimeOffset at)
    {
        if (Open is not { } open || open.Number != number)
            return;
        Open = open with { IsDelivered = true, Tries = null };
        LastFailure = null;
        Limiter = Limiter.Delivered(at);
    }

    public void OnFailed(WebhookFailed failed)
    {
        LastFailure = WebhookFailure.Of(failed);
        if (Open is { } open && open.Number == failed.Number)
            Open = failed.NextAt is { } next ? open with { Tries = new WebhookTries(failed.Number, failed.Attempt, next, failed.Status, failed.Why) } : null;
    }

    public void OnEnded(LaunchEnded ended)
    {
        if (ended.How is LaunchEnds.Completed && Open is { } open)
            HandledThrough = Math.Max(HandledThrough, open.Through);
        (Open, EndedAt) = (null, ended.At);
    }

    public void OnAttached()
    {
        IsHeld = false;
        if (Open is null)
            Limiter = Limiter.Rest();
    }

    public void OnForceQuit() => (IsHeld, Open) = (true, null);

    public void OnDisabled(string why, DateTimeOffset at) => (Disabled, DisabledAt, Open) = (why, at, null);

    public void OnEnabled()
    {
        (Disabled, DisabledAt) = (null, null);
        if (Open is { } open)
            Open = open with { Tries = null };
    }

    /// <summary>Another target: it has refused nothing yet.</summary>
    public void OnConfigured(LaunchConfiguration? target)
    {
        OnEnabled();
        LastFailure = null;
        Target++;
        if (target is null)
            Open = null;
    }

    /// <summary>A new generation: what an earlier one wanted to tell is over.</summary>
    public void OnCreated()
    {
        _needs.Clear();
        (Open, IsHeld, Limiter) = (null, false, LaunchLimiter.Rested);
        (Disabled, DisabledAt, LastFailure, EndedAt) = (null, null, null, null);
    }

    public LaunchSnapshot? ToSnapshot() => this is { LastNumber: 0, IsHeld: false, Disabled: null, _needs.Count: 0 }
        ? null
        : new LaunchSnapshot([.. _needs.Values], Limiter, LastNumber, Open, HandledThrough, IsHeld, Disabled)
        {
            DisabledAt = DisabledAt,
            LastFailure = LastFailure,
            EndedAt = EndedAt,
        };

    public void Restore(LaunchSnapshot? stored)
    {
        if (stored is null)
            return;
        foreach (var need in stored.Needs)
            _needs[need.Reason] = need;
        (Limiter, LastNumber, Open, HandledThrough) = (stored.Limiter, stored.LastNumber, stored.Open, stored.HandledThrough);
        (IsHeld, Disabled, DisabledAt, LastFailure, EndedAt) = (stored.IsHeld, stored.Disabled, stored.DisabledAt, stored.LastFailure, stored.EndedAt);
    }
}

/// <summary>A launch that has not ended. Persisted.</summary>
/// <param name="Number">1 for the session's first.</param>
/// <param name="Reason">What it was for, one of <see cref="LaunchReasons"/>.</param>
/// <param name="Through">The newest event when it was asked for.</param>
/// <param name="At">When it was asked for.</param>
/// <param name="IsDelivered">Its receiver said 2xx.</param>
/// <param name="Tries">Failures so far.</param>
internal sealed record LaunchRun(long Number, string Reason, long Through, DateTimeOffset At, bool IsDelivered, WebhookTries? Tries);

/// <summary>Persisted.</summary>
internal sealed record LaunchSnapshot(
    IReadOnlyList<LaunchNeed> Needs, LaunchLimiter Limiter, long LastNumber, LaunchRun? Open, long HandledThrough, bool IsHeld, string? Disabled)
{
    /// <summary>Null in snapshots of earlier releases.</summary>
    public DateTimeOffset? DisabledAt { get; init; }

    /// <summary>Null in snapshots of earlier releases, and when nothing failed.</summary>
    public WebhookFailure? LastFailure { get; init; }

    /// <summary>Null in snapshots of earlier releases, and when none has.</summary>
    public DateTimeOffset? EndedAt { get; init; }
}
