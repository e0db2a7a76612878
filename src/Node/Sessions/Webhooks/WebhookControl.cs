using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What clients and operators say about a session's webhooks, and what they are shown of them. Pure. Enabling begins anew with what was given up or waits;
/// a replay sends events again that are still in the journal, and acknowledges nothing that was not acknowledged before by its answer.
/// </summary>
internal static class WebhookControl
{
    public static Decision Enable(Session session, WebhookTarget target, DateTimeOffset now)
    {
        if (Missing(session, target) is { } missing)
            return Decision.Refuse(missing.Problem);
        var isFailing = target is WebhookTarget.Push ? session.Push.Tries is not null : session.Launching.Open is { Tries: not null };
        return Changed(target, isFailing || WebhookDecider.DisabledWhy(session, target) is not null ? new WebhookEnabled(target, now) : null);
    }

    /// <summary>What is disabled stays disabled for its first reason.</summary>
    public static Decision Disable(Session session, SessionCommand.DisableWebhook disable, DateTimeOffset now) => Missing(session, disable.Target) is { } missing
        ? Decision.Refuse(missing.Problem)
        : Changed(disable.Target, WebhookDecider.DisabledWhy(session, disable.Target) is null ? new WebhookDisabled(disable.Target, disable.Why, now) : null);

    /// <param name="oldestKept">The first event that the journal still has and that did not end with its retention.</param>
    public static Decision Replay(Session session, SessionCommand.ReplayPush replay, long? oldestKept, DateTimeOffset now)
    {
        if (Missing(session, WebhookTarget.Push) is { } missing)
            return Decision.Refuse(missing.Problem);
        if (session.Push.Disabled is { } why)
            return Decision.Refuse(409, ProblemCodes.WebhookDisabled, $"The session's push is disabled: {why} Enable it first.");
        var (last, through) = (session.Delivery.LastNumber, replay.Through ?? session.Delivery.LastNumber);
        if (oldestKept is not { } oldest || replay.From < oldest)
        {
            var acknowledged = "those before were acknowledged, or ended with their retention, and are gone";
            return Decision.Refuse(410, ProblemCodes.EventsGone, oldestKept is { } first
                ? $"Event {replay.From} is not kept any more. The events {first} to {last} can be sent again; {acknowledged}."
                : $"No event can be sent again: {acknowledged}. The newest was {last}.", "from");
        }
        if (replay.From > last || through > last)
            return Decision.Refuse(400, ProblemCodes.FutureEvent, $"The newest event has the number {last}. The events {oldest} to {last} can be sent again.", replay.From > last ? "from" : "through");
        if (replay.From > through)
            return Decision.Refuse(400, ProblemCodes.InvalidField, "through must not be less than from.", "through");
        // What was not sent yet comes by itself, and must not be passed over by a replay of what follows it.
        return Changed(WebhookTarget.Push, replay.From <= session.Push.SentThrough(session.Delivery.Acknowledged) ? new PushReplayed(replay.From, now) { Through = through } : null);
    }

    /// <summary>Null when the session has such a webhook.</summary>
    public static CommandReply.Refused? Missing(Session session, WebhookTarget target) => UrlOf(session, target) is not null
        ? null
        : CommandReply.Refuse(404, ProblemCodes.NoWebhook, $"This session has no {WordOf(target)}. Configure it with PUT /v1/sessions/{session.Key.Identifier}: {{\"{WordOf(target)}\":{{\"url\":…,\"secret\":…}}}}.");

    public static CommandReply Reply(WebhookTarget target, Session session, SessionConditions conditions) => Missing(session, target) is { } missing
        ? missing
        : SessionViews.Json(200, target is WebhookTarget.Push ? PushView(session, conditions.Now) : LaunchView(session, conditions.Now), ProtocolJson.Default.WebhookView);

    /// <summary>The word of the wire.</summary>
    public static string WordOf(WebhookTarget target) => target switch
    {
        WebhookTarget.Push => "push",
        WebhookTarget.Launch => "launch",
        _ => throw new ArgumentOutOfRangeException(nameof(target), target, "not a target"),
    };

    private static Decision Changed(WebhookTarget target, SessionEvent? happened) =>
        new(happened is null ? [] : [happened], (after, conditions) => Reply(target, after, conditions));

    private static string? UrlOf(Session session, WebhookTarget target) => session.Phase is SessionPhase.Absent
        ? null
        : target is WebhookTarget.Push ? session.Configurations.Current.Push?.Url : session.Configurations.Current.Launch?.Url;

    private static WebhookView PushView(Session session, DateTimeOffset now)
    {
        var push = session.Push;
        return new WebhookView
        {
            Target = WordOf(WebhookTarget.Push),
            Url = ShownUrl.Of(UrlOf(session, WebhookTarget.Push)!),
            Enabled = push.Disabled is null,
            DisabledAt = push.DisabledAt,
            DisabledWhy = push.Disabled,
            Pending = Math.Max(0, push.LastWanted - push.After),
            NextAt = NotBefore(push.Due, now),
            LastFailure = ViewOf(push.LastFailure),
            Replay = push.IsReplaying ? new ReplayView { After = push.After, Through = push.ReplayUntil } : null,
        };
    }

    private static WebhookView LaunchView(Session session, DateTimeOffset now)
    {
        var launching = session.Launching;
        return new WebhookView
        {
            Target = WordOf(WebhookTarget.Launch),
            Url = ShownUrl.Of(UrlOf(session, WebhookTarget.Launch)!),
            Enabled = launching.Disabled is null,
            DisabledAt = launching.DisabledAt,
            DisabledWhy = launching.Disabled,
            Pending = launching.Open is { IsDelivered: false } || (launching.Open is null && LaunchDecider.IsNeeded(session)) ? 1 : 0,
            NextAt = NotBefore(LaunchDecider.SendAt(session, Presence.Nobody) ?? (LaunchDecider.IsNeeded(session) ? LaunchDecider.NextDue(session, Presence.Nobody) : null), now),
            LastFailure = ViewOf(launching.LastFailure),
        };
    }

    private static DateTimeOffset? NotBefore(DateTimeOffset? at, DateTimeOffset now) => at < now ? now : at;

    private static WebhookFailureView? ViewOf(WebhookFailure? failure) => failure is null
        ? null
        : new WebhookFailureView { At = failure.At, Number = failure.Number, Attempt = failure.Attempt, Status = failure.Status, Why = failure.Why };
}
