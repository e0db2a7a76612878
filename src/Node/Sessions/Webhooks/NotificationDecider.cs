using Backhaul.Node.Delivery;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Whom the end of a task is told to, what signs it, what an answer means, and what is too many. Pure.</summary>
internal static class NotificationDecider
{
    /// <summary>So many of a session are under way at once: they need no order, and the others of the node need their places.</summary>
    private const int AtOnce = 16;

    /// <summary>Of these so many to one receiver: one that takes connections and never answers must not be all that is waited for.</summary>
    private const int AtOnceToOne = 4;

    /// <summary>A cancelled task tells nobody: whoever cancelled it knows.</summary>
    public static string? UrlFor(TaskState ended) => ended.End?.Outcome switch
    {
        TaskOutcomes.Succeeded => ended.Spec.Notify?.Success,
        TaskOutcomes.Failed or TaskOutcomes.Expired => ended.Spec.Notify?.Failure,
        _ => null,
    };

    /// <summary>
    /// Its own, else the session's launch secret, else its push secret: those in force, so that a changed secret signs what is pending too, and when the
    /// session has none any more, those that it had when the task was created.
    /// </summary>
    public static string? SecretOf(Notification pending, ConfigurationBook book) =>
        pending.Secret ?? SecretOf(book.Current) ?? (book.Versions.TryGetValue(pending.Version, out var then) ? SecretOf(then) : null);

    /// <summary>A task that could never tell anybody is not taken.</summary>
    public static Problem? Check(Session session, TaskNotify? notify) => notify is { Secret: null } && !TaskTransitions.TellsNobody(notify) && SecretOf(session.Configurations.Current) is null
        ? new Problem
        {
            Status = 400,
            Code = ProblemCodes.InvalidField,
            Field = "notify.secret",
            Detail = "notify.secret is missing, and the session has no secret to sign with in its place. Name a secret of the kind webhook there, or put the session with a launch or push target.",
        }
        : null;

    /// <summary>What comes next, in order of its time, as much as there is room for.</summary>
    /// <param name="session">The state.</param>
    /// <param name="underWay">The numbers of those that are being sent: the end of one makes room.</param>
    public static IEnumerable<(WebhookOrder Order, DateTimeOffset Due)> Orders(Session session, IReadOnlySet<long> underWay) =>
        session.Notifications.Count == 0 || underWay.Count >= AtOnce
            ? []
            : session.Notifications.Next(underWay, AtOnce - underWay.Count, AtOnceToOne).Select(pending => (OrderOf(pending), pending.Due()));

    /// <summary>The events of a report; none when it is late.</summary>
    public static IReadOnlyList<SessionEvent> Report(Session session, WebhookReport report, DateTimeOffset now, double unit)
    {
        if (!session.Notifications.TryFind(report.Order.Key, out var pending) || OrderOf(pending) != report.Order)
            return [];
        if (report.Answer is not { } answer)
            throw new InvalidOperationException("A notification always has something to send.");
        if (answer.Result is WebhookResult.Taken)
            return [new WebhookDelivered(WebhookTarget.Notify, pending.Number, answer.Status, now)];
        var wait = answer.Result is WebhookResult.Gone ? null : WebhookSchedule.WaitAfter(report.Order.Attempt, answer.RetryAfter, unit);
        return [new WebhookFailed(WebhookTarget.Notify, pending.Number, report.Order.Attempt, answer.Status, answer.Why, now + wait, now)];
    }

    /// <summary>More are pending than may be: the one that would be sent last is given up. Those of a receiver that fails are behind those of one that was not tried yet.</summary>
    public static IReadOnlyList<SessionEvent> Continue(Session session, DateTimeOffset now)
    {
        var most = session.Options.NotificationsMax;
        return session.Notifications.Count > most && session.Notifications.Last is { } last
            ? [new WebhookFailed(WebhookTarget.Notify, last.Number, last.Tries?.Attempts ?? 0, null, $"The session had {most} other notifications to send, which is the limit.", NextAt: null, now)]
            : [];
    }

    public static NotificationsView? View(NotificationBook book) => book is { Count: 0, GivenUpCount: 0 } ? null : new NotificationsView
    {
        Pending = book.Count,
        GivenUp = book.GivenUpCount,
        LastGivenUp = book.GivenUpCount == 0 ? null :
        [
            .. book.GivenUp.Select(past => new GivenUpView
            {
                Task = past.Task.ToString(),
                Generation = past.Generation,
                Url = ShownUrl.Of(past.Url),
                Attempts = past.Attempts,
                Why = past.Why,
                At = past.At,
            }),
        ],
    };

    private static WebhookOrder OrderOf(Notification pending) => new(WebhookTarget.Notify, pending.Number, (pending.Tries?.Attempts ?? 0) + 1);

    private static string? SecretOf(SessionConfiguration configuration) => configuration.Launch?.Secret ?? configuration.Push?.Secret;
}
