using Backhaul.Node.Delivery;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What is to be sent, and what an answer means. Pure. Nothing is journaled before a webhook is sent: its id follows from what it is about, and only
/// its outcome is an event. A node that dies in between leaves the state as it was, and the next owner sends the same message once more.
/// </summary>
internal static class WebhookDecider
{
    /// <summary>Everything that could be sent, and when, but for notifications.</summary>
    public static IEnumerable<(WebhookOrder Order, DateTimeOffset Due)> Orders(Session session, Presence presence)
    {
        if (LaunchDecider.SendAt(session, presence) is { } sendAt && session.Launching.Open is { } open)
            yield return (new WebhookOrder(WebhookTarget.Launch, open.Number, (open.Tries?.Attempts ?? 0) + 1) { Version = session.Launching.Target }, sendAt);
        if (session.Push.Due is { } due && session.Configurations.Current.Push is not null)
            yield return (new WebhookOrder(WebhookTarget.Push, session.Push.After, (session.Push.Tries?.Attempts ?? 0) + 1) { Version = session.Push.Target }, due);
    }

    public static DateTimeOffset? NextDue(Session session)
    {
        var next = session.Notifications.NextDue;
        foreach (var (_, due) in Orders(session, Presence.Nobody))
            next = Session.Earliest(next, due);
        return next;
    }

    /// <summary>The events of a report; none when it is late.</summary>
    public static IReadOnlyList<SessionEvent> Report(Session session, WebhookReport report, DateTimeOffset now, double unit)
    {
        if (report.Order.Target is WebhookTarget.Notify)
            return NotificationDecider.Report(session, report, now, unit);
        if (!Orders(session, Presence.Nobody).Any(wanted => wanted.Order == report.Order || IsAboutTheNext(session.Push, wanted.Order, report)))
            return [];
        return report.Answer switch
        {
            null => [new WebhookDelivered(report.Order.Target, report.Number, null, now)],
            { Result: WebhookResult.Taken } taken => Taken(session, report, taken, now),
            var refused => Refused(report, refused, now, unit),
        };
    }

    /// <summary>Its client acknowledged what comes before while the event was sent: it is the next one still, and is not sent once more for that.</summary>
    private static bool IsAboutTheNext(PushState push, WebhookOrder wanted, WebhookReport report) =>
        report is { Order.Target: WebhookTarget.Push, Answer: not null } && wanted.Target is WebhookTarget.Push && wanted.Version == report.Order.Version
        && report.Order.Key <= push.After && push.After < report.Number;

    /// <summary>An acknowledgement of everything up to a number that exists, and what follows from it.</summary>
    public static List<SessionEvent> Acknowledge(Session session, long through, DateTimeOffset now)
    {
        var delivery = session.Delivery;
        List<SessionEvent> events = [];
        if (through <= delivery.Acknowledged)
            return events;
        events.Add(new EventsAcknowledged(through, now));
        if (through == delivery.LastNumber && delivery.DrainDue && session.ClientTasks == 0)
            events.Add(new EventsDrained(now));
        if (through == delivery.LastNumber && LaunchDecider.OnAllAcknowledged(session, now) is { } handled)
            events.Add(handled);
        return events;
    }

    /// <summary>Why a target takes nothing; null while it may be sent to.</summary>
    public static string? DisabledWhy(Session session, WebhookTarget target) => target switch
    {
        WebhookTarget.Push => session.Push.Disabled,
        WebhookTarget.Launch => session.Launching.Disabled,
        WebhookTarget.Notify => null, // each is given up by itself
        _ => throw new ArgumentOutOfRangeException(nameof(target), target, "not a target"),
    };

    private static List<SessionEvent> Taken(Session session, WebhookReport report, WebhookAnswer answer, DateTimeOffset now)
    {
        if (report.Order.Target is WebhookTarget.Launch)
            return [new WebhookDelivered(report.Order.Target, report.Number, answer.Status, now)];
        // What is acknowledged already moves on by this alone.
        var events = session.Push.IsReplaying || report.Number <= session.Delivery.Acknowledged
            ? [new WebhookDelivered(report.Order.Target, report.Number, answer.Status, now)]
            : new List<SessionEvent>();
        events.AddRange(Acknowledge(session, report.Number, now));
        return events;
    }

    private static List<SessionEvent> Refused(WebhookReport report, WebhookAnswer answer, DateTimeOffset now, double unit)
    {
        var (target, attempt) = (report.Order.Target, report.Order.Attempt);
        var wait = answer.Result is WebhookResult.Gone ? null : WebhookSchedule.WaitAfter(attempt, answer.RetryAfter, unit);
        List<SessionEvent> events = [new WebhookFailed(target, report.Number, attempt, answer.Status, answer.Why, now + wait, now)];
        // A launch that was given up may be wanted still: then another follows, as the limiter lets it.
        if (wait is null && (target is WebhookTarget.Push || answer.Result is WebhookResult.Gone))
        {
            events.Add(new WebhookDisabled(target, answer.Result is WebhookResult.Gone
                ? answer.Why
                : $"It failed {attempt} times; the last time: {answer.Why}", now));
        }
        return events;
    }
}
