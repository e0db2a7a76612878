using Backhaul.Node.Actors;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What a session's actor does about webhooks: starts a child for each that is due, hands on what the children say, and knows when to look again.
/// What is to be sent is read off the durable state after each turn, so nothing has to be remembered from turn to turn but what is under way.
/// </summary>
internal sealed class SessionWebhooks(SessionEnvironment environment, Session session, ActorContext<SessionMessage> context)
{
    /// <summary>A child that ended without a word (its node is not trusted, the store is away) is not followed at once by the next.</summary>
    private static readonly TimeSpan AfterSilence = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = environment.Loggers.CreateLogger<SessionWebhooks>();
    private readonly HashSet<WebhookOrder> _sending = [];
    private DateTimeOffset _silentUntil = DateTimeOffset.MinValue;

    public IReadOnlyList<SessionEvent> Report(WebhookReport report, DateTimeOffset now, double unit)
    {
        _sending.Remove(report.Order);
        var events = WebhookDecider.Report(session, report, now, unit);
        foreach (var disabled in events.OfType<WebhookDisabled>())
            _logger.WebhooksDisabled(environment.Session, disabled.Target, disabled.Why);
        return events;
    }

    /// <summary>After a turn is durable.</summary>
    public void SendDue(DateTimeOffset now)
    {
        if (context.IsStopping || now < _silentUntil)
            return;
        foreach (var (order, due) in WebhookDecider.Orders(session).ToList())
        {
            if (due > now || IsUnderWay(order) || !_sending.Add(order))
                continue;
            var brief = new WebhookBrief(order, session.Configurations.Current, session.Delivery.LastNumber);
            var parent = context.ForChildren;
            context.Spawn(order.ChildName, () => new WebhookActor(brief, environment, parent));
        }
    }

    /// <summary>When something that is not under way falls due.</summary>
    public DateTimeOffset? NextDue()
    {
        DateTimeOffset? next = null;
        foreach (var (order, due) in WebhookDecider.Orders(session))
        {
            var at = due < _silentUntil ? _silentUntil : due;
            if (!IsUnderWay(order) && !(next <= at))
                next = at;
        }
        return next;
    }

    /// <summary>False when the child was none of these.</summary>
    public bool Ended(string child, DateTimeOffset now)
    {
        if (child.Contains('@', StringComparison.Ordinal))
            return false;
        if (_sending.RemoveWhere(order => order.ChildName == child) > 0)
            _silentUntil = now + AfterSilence;
        return true;
    }

    /// <summary>One at a time goes to a target; a child whose order is not wanted any more still has its turn.</summary>
    private bool IsUnderWay(WebhookOrder order) => _sending.Any(sending => sending.Target == order.Target);
}
