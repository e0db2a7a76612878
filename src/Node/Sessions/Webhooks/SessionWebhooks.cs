using Backhaul.Node.Actors;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What a session's actor does about webhooks and launches: knows whether a client is there, starts a child for each message that is due, hands on what the
/// children say, and knows when to look again. What is to be sent is read off the durable state after each turn, so nothing has to be remembered from
/// turn to turn but what is under way.
/// </summary>
internal sealed class SessionWebhooks(SessionEnvironment environment, Session session, ActorContext<SessionMessage> context)
{
    /// <summary>A child that ended without a word (its node is not trusted, the store is away) is not followed at once by the next of its target.</summary>
    private static readonly TimeSpan AfterSilence = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = environment.Loggers.CreateLogger<SessionWebhooks>();
    private readonly PresenceWatch _presence = new(environment.Feed, session.Key, environment.Options.AttachGrace);
    private readonly HashSet<WebhookOrder> _sending = [];
    private readonly Dictionary<WebhookTarget, DateTimeOffset> _silentUntil = [];
    private (int Count, Notification? Last) _overLimit;
    private IDisposable? _watch;

    /// <summary>As it was looked at last, in this turn or the one before.</summary>
    public Presence Presence => _presence.Now;

    /// <summary>What sends tests, one at a time.</summary>
    public WebhookTest Test { get; } = new(environment);

    /// <summary>A client is there and has not said that it handled what it had to be told: leaving memory would only bring the session back.</summary>
    public bool KeepsAwake => _presence.Now.IsAttached && LaunchDecider.IsNeeded(session);

    /// <summary>The session is loaded.</summary>
    public void Start(DateTimeOffset now)
    {
        _presence.Loaded(isNew: session.Phase is SessionPhase.Absent, now);
        var self = context.Self;
        _watch = environment.Feed.OnAttachment(session.Key, () =>
        {
            _presence.Changed();
            self.TryPost(new SessionMessage.Wake()); // a full mailbox brings a turn anyway
        });
    }

    public void Stop()
    {
        _watch?.Dispose();
        Test.Stop();
    }

    /// <summary>Whoever came before a command came before what it decides; and who opens the session is there.</summary>
    public IReadOnlyList<SessionEvent> Before(SessionCommand command, DateTimeOffset now)
    {
        if (command is SessionCommand.Open)
            _presence.Seen(now);
        return Look(now);
    }

    public IReadOnlyList<SessionEvent> Report(WebhookReport report, DateTimeOffset now, double unit)
    {
        _sending.Remove(report.Order);
        var events = WebhookDecider.Report(session, report, now, unit);
        LogGivenUp(events);
        foreach (var disabled in events.OfType<WebhookDisabled>())
            _logger.WebhooksDisabled(environment.Session, disabled.Target, disabled.Why);
        return events;
    }

    /// <summary>What a client's coming and going, and time, ask for; called until it has nothing more to say.</summary>
    public IReadOnlyList<SessionEvent> Continue(DateTimeOffset now)
    {
        if (Look(now) is { Count: > 0 } attached)
            return attached;
        if (NotificationDecider.Continue(session, now) is { Count: > 0 } tooMany)
        {
            CountGivenUp(tooMany);
            return tooMany;
        }
        return session.Delivery.Expiry(session.EventRetention) is var (through, at) && at <= now
            ? [new EventsExpired(session.Delivery.Acknowledged + 1, through, now)]
            : LaunchDecider.Continue(session, _presence.Now, now);
    }

    private IReadOnlyList<SessionEvent> Look(DateTimeOffset now) =>
        _presence.Look(now) && session.Phase is not SessionPhase.Absent ? LaunchDecider.Attach(session, now) : [];

    /// <summary>After a turn is durable.</summary>
    public void SendDue(DateTimeOffset now)
    {
        LogOverLimit();
        if (context.IsStopping)
            return;
        foreach (var (order, due) in WebhookDecider.Orders(session, _presence.Now).ToList())
        {
            if (After(order, due) > now || IsUnderWay(order) || !_sending.Add(order))
                continue;
            Send(new WebhookBrief(order, session.Configurations.Current, session.Push.LooksThrough(session.Delivery.LastNumber), session.Launching.Open));
        }
        foreach (var (order, due) in Unsent().ToList())
        {
            if (After(order, due) > now)
                break;
            _sending.Add(order);
            session.Notifications.TryFind(order.Key, out var pending);
            Send(new WebhookBrief(order, session.Configurations.Current, session.Delivery.LastNumber, null)
            {
                Notification = pending! with { Secret = NotificationDecider.SecretOf(pending, session.Configurations) },
            });
        }
    }

    private void Send(WebhookBrief brief)
    {
        var parent = context.ForChildren;
        context.Spawn(brief.Order.ChildName, () => new WebhookActor(brief, environment, parent));
    }

    /// <summary>The notifications that come next, as many as there is room for.</summary>
    private IEnumerable<(WebhookOrder Order, DateTimeOffset Due)> Unsent() =>
        NotificationDecider.Orders(session, _sending.Where(order => order.Target is WebhookTarget.Notify).Select(order => order.Key).ToHashSet());

    private void LogGivenUp(IReadOnlyList<SessionEvent> events)
    {
        foreach (var failed in events.OfType<WebhookFailed>())
        {
            if (failed is not { Target: WebhookTarget.Notify, NextAt: null } || !session.Notifications.TryFind(failed.Number, out var pending))
                continue;
            WebhookInstruments.NotificationGivenUp();
            _logger.NotificationGivenUp(environment.Session, pending.Task, ShownUrl.Of(pending.Url), failed.Attempt, failed.Why);
        }
    }

    /// <summary>A million tasks may end by one deadline: those that are too many are told of by one line a turn.</summary>
    private void CountGivenUp(IReadOnlyList<SessionEvent> tooMany)
    {
        foreach (var failed in tooMany.OfType<WebhookFailed>())
        {
            WebhookInstruments.NotificationGivenUp();
            if (session.Notifications.TryFind(failed.Number, out var pending))
                _overLimit = (_overLimit.Count + 1, pending);
        }
    }

    private void LogOverLimit()
    {
        if (_overLimit is not (var count, { } last))
            return;
        _logger.NotificationsOverLimit(environment.Session, count, session.Options.NotificationsMax, last.Task, ShownUrl.Of(last.Url));
        _overLimit = default;
    }

    /// <summary>When something that is not under way falls due.</summary>
    public DateTimeOffset? NextDue()
    {
        var next = LaunchDecider.NextDue(session, _presence.Now);
        if (session.Delivery.Expiry(session.EventRetention) is var (_, at))
            next = Session.Earliest(next, at);
        foreach (var (order, due) in WebhookDecider.Orders(session, _presence.Now))
        {
            if (!IsUnderWay(order))
                next = Session.Earliest(next, After(order, due));
        }
        foreach (var (order, due) in Unsent().Take(1))
            next = Session.Earliest(next, After(order, due));
        return next;
    }

    /// <summary>False when the child was none of these.</summary>
    public bool Ended(string child, DateTimeOffset now)
    {
        if (child.Contains('@', StringComparison.Ordinal))
            return false;
        if (_sending.FirstOrDefault(order => order.ChildName == child) is { } silent && _sending.Remove(silent))
            _silentUntil[silent.Target] = now + AfterSilence;
        return true;
    }

    /// <summary>Not before the silence of its target is over: the others do not wait for that.</summary>
    private DateTimeOffset After(WebhookOrder order, DateTimeOffset due) =>
        _silentUntil.TryGetValue(order.Target, out var until) && due < until ? until : due;

    /// <summary>One at a time goes to a target; a child whose order is not wanted any more still has its turn.</summary>
    private bool IsUnderWay(WebhookOrder order) => _sending.Any(sending => sending.Target == order.Target);
}
