using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// How far events went to the session's push target. One at a time and in order: the next is the first event behind <see cref="After"/> that the filter
/// lets through; that it was taken acknowledges it, and so moves on. A replay goes back and comes forward again without acknowledging anything new; that
/// the target is disabled ends it, because what it has still to send would stay in the journal for as long as nobody enables it.
/// Part of the session's fold; which event is next is read from the journal when it is sent.
/// </summary>
internal sealed class PushState
{
    /// <summary>Events up to here need not be pushed.</summary>
    public long After { get; private set; }

    /// <summary>The newest event that the filter lets through.</summary>
    public long LastWanted { get; private set; }

    /// <summary>The end of a replay under way.</summary>
    public long ReplayUntil { get; private set; }

    /// <summary>The failures of the event that is next.</summary>
    public WebhookTries? Tries { get; private set; }

    /// <summary>Why nothing is sent any more until somebody says otherwise.</summary>
    public string? Disabled { get; private set; }

    /// <summary>Since when; null when nothing is, or an earlier release disabled it.</summary>
    public DateTimeOffset? DisabledAt { get; private set; }

    /// <summary>The newest failure since something was taken.</summary>
    public WebhookFailure? LastFailure { get; private set; }

    /// <summary>Which target, and which replay, since the session was loaded: an answer to an earlier one says nothing of this one.</summary>
    public int Target { get; private set; }

    public bool IsReplaying => ReplayUntil > After;

    /// <summary>When the next event is to be sent; null: there is none, or it must not be sent.</summary>
    public DateTimeOffset? Due => Disabled is null && LastWanted > After ? Tries?.NextAt ?? DateTimeOffset.UnixEpoch : null;

    public static bool Wants(PushConfiguration? push, string type) => push is { Types: var types } && (types is null || types.Contains(type, StringComparer.Ordinal));

    /// <summary>Up to which event the next one is looked for: what follows a replay is not part of it.</summary>
    public long LooksThrough(long lastNumber) => IsReplaying ? ReplayUntil : lastNumber;

    /// <summary>Events up to here were sent, or need not be: a replay under way went back from there.</summary>
    public long SentThrough(long acknowledged) => IsReplaying ? Math.Max(After, acknowledged) : After;

    public void OnEvent(long number) => LastWanted = number;

    /// <summary>Another target, or another filter: what nobody acknowledged may be wanted there.</summary>
    public void OnConfigured(PushConfiguration? push, long lastNumber)
    {
        (LastWanted, Target) = (push is null ? 0 : lastNumber, Target + 1);
        OnEnabled();
        LastFailure = null;
        if (push is null)
            ReplayUntil = 0;
    }

    public void OnAcknowledged(long through)
    {
        if (!IsReplaying)
            MoveTo(through);
    }

    /// <summary>Taken during a replay, or nothing that is wanted lies up to here.</summary>
    public void OnDelivered(long through, long acknowledged)
    {
        MoveTo(through);
        if (!IsReplaying)
            MoveTo(acknowledged);
    }

    public void OnFailed(WebhookFailed failed)
    {
        LastFailure = WebhookFailure.Of(failed);
        if (failed.NextAt is { } next)
            Tries = new WebhookTries(failed.Number, failed.Attempt, next, failed.Status, failed.Why);
    }

    public void OnDisabled(string why, DateTimeOffset at, long acknowledged)
    {
        (Disabled, DisabledAt) = (why, at);
        EndReplay(acknowledged);
    }

    /// <summary>What is next has failed for nobody's sake: it begins anew, at once.</summary>
    public void OnEnabled() => (Disabled, DisabledAt, Tries) = (null, null, null);

    /// <summary>Another replay takes the place of one under way. What is being sent was sent before it was asked for, and does not count.</summary>
    public void OnReplayed(long from, long through)
    {
        (After, Tries, ReplayUntil, Target) = (from - 1, null, through, Target + 1);
        LastWanted = Math.Max(LastWanted, through);
    }

    /// <summary>What was acknowledged before is not pushed, also in snapshots of earlier releases, which say nothing of webhooks.</summary>
    public void Restore(PushSnapshot? stored, long acknowledged)
    {
        if (stored is not null)
        {
            (After, LastWanted, ReplayUntil, Tries, Disabled) = (stored.After, stored.LastWanted, stored.ReplayUntil, stored.Tries, stored.Disabled);
            (DisabledAt, LastFailure) = (stored.DisabledAt, stored.LastFailure);
        }
        if (Disabled is not null)
            EndReplay(acknowledged); // earlier releases let it stay
        OnAcknowledged(acknowledged);
    }

    /// <summary>What was acknowledged before it is not pushed any more.</summary>
    public void EndReplay(long acknowledged)
    {
        if (IsReplaying)
            (After, Tries) = (Math.Max(After, acknowledged), null); // what failed is still shown
        ReplayUntil = 0;
    }

    private void MoveTo(long number)
    {
        if (number > After)
            (After, Tries, LastFailure) = (number, null, null);
    }
}

/// <summary>Persisted in snapshots.</summary>
internal sealed record PushSnapshot(long After, long LastWanted, long ReplayUntil, WebhookTries? Tries, string? Disabled)
{
    /// <summary>Null in snapshots of earlier releases.</summary>
    public DateTimeOffset? DisabledAt { get; init; }

    /// <summary>Null in snapshots of earlier releases, and when nothing failed.</summary>
    public WebhookFailure? LastFailure { get; init; }

    /// <summary>Null while there is nothing to say.</summary>
    public static PushSnapshot? Of(PushState push) => push is { After: 0, LastWanted: 0, Disabled: null }
        ? null
        : new PushSnapshot(push.After, push.LastWanted, push.ReplayUntil, push.Tries, push.Disabled) { DisabledAt = push.DisabledAt, LastFailure = push.LastFailure };
}

/// <summary>A webhook that was not taken yet. Persisted.</summary>
/// <param name="Number">Of the event, launch or end that it tells of.</param>
/// <param name="Attempts">Made so far.</param>
/// <param name="NextAt">Not sent again before.</param>
/// <param name="Status">Of the last answer, when there was one.</param>
/// <param name="Why">What came of the last attempt.</param>
internal sealed record WebhookTries(long Number, int Attempts, DateTimeOffset NextAt, int? Status, string Why);

/// <summary>An attempt that was not taken, kept to be shown. Persisted.</summary>
internal sealed record WebhookFailure(long Number, int Attempt, int? Status, string Why, DateTimeOffset At)
{
    public static WebhookFailure Of(WebhookFailed failed) => new(failed.Number, failed.Attempt, failed.Status, failed.Why, failed.At);
}

/// <summary>What a webhook of a session is for. Persisted by name: append only.</summary>
internal enum WebhookTarget
{
    Push = 1,
    Launch = 2,
    Notify = 3,
}
