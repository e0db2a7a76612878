using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// N1 to N3: ends of tasks that are told to the URLs that asked for it. What is told is an end, as it became durable and to whom it was promised; none is
/// given up without a reason; each is told, given up, or waits for its time. That it is sent again only after a failure, with one id, is D4 and D5, and D1 that
/// it was taken. Nothing is checked after the store was put back.
/// </summary>
internal sealed class NotificationChecks(Func<TimeSpan> now)
{
    private const int AttemptsMax = 10;

    private static readonly TimeSpan Late = TimeSpan.FromSeconds(45);

    private readonly Dictionary<(SessionKey Session, TaskId Task), TaskNotify> _asked = [];
    private readonly SortedDictionary<(string Session, long Number), End> _ends = [];
    private readonly HashSet<(SessionKey Session, long Number)> _gone = [];

    /// <summary>Different ends that were told.</summary>
    public long Told { get; private set; }

    /// <summary>A client was told that its task tells of its end.</summary>
    public void OnPromised(SessionKey session, TaskId task, TaskNotify notify)
    {
        if (_asked.GetValueOrDefault((session, task)) != notify)
            throw new InvariantBrokenException("N1", $"{session} {task} was to tell of its end to {notify}, and {_asked.GetValueOrDefault((session, task))?.ToString() ?? "nobody"} is on record.");
    }

    public void OnDurable(JournalShadow journal, SessionEvent happened)
    {
        var session = journal.Session;
        switch (happened)
        {
            case TaskCreated { Spec.Notify: { } notify } created:
                _asked[(session, created.Task)] = notify;
                break;
            case TaskCompleted completed when _asked.TryGetValue((session, completed.Task), out var notify) && UrlFor(notify, completed.Outcome) is { } url:
                var number = journal.Events.NumberOf(completed);
                _ends.Add((session.ToString(), number), new End(session, number, completed.Task, completed.Outcome, url));
                break;
            case WebhookDelivered { Target: WebhookTarget.Notify } told:
                Find(session, told.Number).Close(now());
                Told++;
                break;
            case WebhookFailed { Target: WebhookTarget.Notify, NextAt: null } failed:
                Find(session, failed.Number).Close(now());
                if (failed.Attempt < AttemptsMax && !_gone.Contains((session, failed.Number)))
                    throw new InvariantBrokenException("N2", $"The notification {failed.Number} of {session} is given up after {failed.Attempt} attempts: {failed.Why}");
                break;
        }
    }

    /// <summary>N1: what is sent is an end that asked for it, to whom it asked for, and is not on record as told or given up.</summary>
    public void OnSent(IWatchedNode node, WebhookMessage message, long number, string type, JsonElement data)
    {
        var end = Find(message.Session, number);
        var (task, outcome) = (data.GetProperty("task").GetString(), data.GetProperty("outcome").GetString());
        var expected = CloudEvent.TypePrefix + (end.Outcome is TaskOutcomes.Succeeded ? "taskSucceeded" : "taskFailed");
        if (task != end.Task.ToString() || outcome != end.Outcome || type != expected || message.Url != end.Url)
            throw new InvariantBrokenException("N1", $"{node.Name} tells {message.Url} as {type} that {message.Session} {task} is {outcome}, and event {number} is {end}.");
        if (!node.IsExcused && end.ClosedAt is { } closed && now() - closed > Late)
            throw new InvariantBrokenException("N1", $"{node.Name} tells of event {number} of {message.Session}, which was told or given up at {closed}.");
    }

    /// <summary>410: the one good reason to give a notification up early.</summary>
    public void OnArrived(SessionKey session, long number, int? status)
    {
        if (status is 410)
            _gone.Add((session, number));
    }

    /// <summary>N3: each end that asked for it is told, given up, or waits.</summary>
    public void CheckNoneLost(Func<SessionKey, JournalShadow?> journalOf)
    {
        foreach (var end in _ends.Values)
        {
            if (end.ClosedAt is null && journalOf(end.Session)?.Fold.Notifications.TryFind(end.Number, out _) != true)
                throw new InvariantBrokenException("N3", $"Nobody was told of event {end.Number} of {end.Session}, and nobody will be: {end}.");
        }
    }

    private End Find(SessionKey session, long number) => _ends.GetValueOrDefault((session.ToString(), number))
        ?? throw new InvariantBrokenException("N1", $"Event {number} of {session} is told of, and is not the end of a task that asked for it.");

    private static string? UrlFor(TaskNotify notify, string outcome) => outcome switch
    {
        TaskOutcomes.Succeeded => notify.Success,
        TaskOutcomes.Failed or TaskOutcomes.Expired => notify.Failure,
        _ => null,
    };

    private sealed record End(SessionKey Session, long Number, TaskId Task, string Outcome, string Url)
    {
        public TimeSpan? ClosedAt { get; private set; }

        public void Close(TimeSpan at) => ClosedAt ??= at;
    }
}
