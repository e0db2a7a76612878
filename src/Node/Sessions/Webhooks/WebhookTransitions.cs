using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What events mean for those that webhooks go to: the push target, and the client that is launched.</summary>
internal static class WebhookTransitions
{
    /// <summary>After an event that clients see was applied.</summary>
    public static void OnNumbered(Session session, SessionEvent happened)
    {
        var number = session.Delivery.LastNumber;
        if (session.Configurations.Current.Push is { } push && PushState.Wants(push, EventViews.TypeOf(happened)))
            session.Push.OnEvent(number);
        if (LaunchNeeds.Of(happened, session) is { } reason)
            session.Launching.OnNeeded(reason, number, happened.At, session.Delivery.Acknowledged);
    }

    /// <summary>A new generation: its target gets what is unread of the old one first; a replay to the old one's target is over.</summary>
    public static void OnCreated(Session session, SessionConfiguration configuration)
    {
        session.Push.EndReplay(session.Delivery.Acknowledged);
        session.Push.OnConfigured(configuration.Push, session.Delivery.LastNumber);
        session.Launching.OnCreated();
    }

    /// <summary>Before the new configuration is in force.</summary>
    public static void OnConfigured(Session session, SessionConfiguration next)
    {
        var current = session.Configurations.Current;
        if (!ConfigurationBook.AreSame(new() { Push = current.Push }, new() { Push = next.Push }))
            session.Push.OnConfigured(next.Push, session.Delivery.LastNumber);
        if (!ConfigurationBook.AreSame(new() { Launch = current.Launch }, new() { Launch = next.Launch }))
            session.Launching.OnConfigured(next.Launch);
    }

    public static void Apply(Session session, WebhookEvent happened)
    {
        switch (happened)
        {
            case PushReplayed replayed:
                session.Push.OnReplayed(replayed.From, replayed.Through ?? session.Delivery.LastNumber);
                break;
            case { Target: WebhookTarget.Push }:
                ApplyToPush(session, happened);
                break;
            case { Target: WebhookTarget.Launch }:
                ApplyToLaunch(session.Launching, happened);
                break;
            case WebhookDelivered { Target: WebhookTarget.Notify } told:
                session.Notifications.OnDelivered(told.Number);
                break;
            case WebhookFailed { Target: WebhookTarget.Notify } failed:
                session.Notifications.OnFailed(failed);
                break;
            default:
                throw new InvalidOperationException($"Webhooks do not know the event {happened.GetType().Name} of {happened.Target}.");
        }
    }

    private static void ApplyToPush(Session session, WebhookEvent happened)
    {
        switch (happened)
        {
            case WebhookDelivered delivered:
                session.Push.OnDelivered(delivered.Number, session.Delivery.Acknowledged);
                break;
            case WebhookFailed failed:
                session.Push.OnFailed(failed);
                break;
            case WebhookDisabled disabled:
                session.Push.OnDisabled(disabled.Why, disabled.At, session.Delivery.Acknowledged);
                break;
            case WebhookEnabled:
                session.Push.OnEnabled();
                break;
            default:
                throw new InvalidOperationException($"A push target does not know the event {happened.GetType().Name}.");
        }
    }

    private static void ApplyToLaunch(LaunchState launching, WebhookEvent happened)
    {
        switch (happened)
        {
            case LaunchRequested requested:
                launching.OnRequested(requested);
                break;
            case LaunchEnded ended:
                launching.OnEnded(ended);
                break;
            case ClientAttached:
                launching.OnAttached();
                break;
            case WebhookDelivered delivered:
                launching.OnDelivered(delivered.Number, delivered.At);
                break;
            case WebhookFailed failed:
                launching.OnFailed(failed);
                break;
            case WebhookDisabled disabled:
                launching.OnDisabled(disabled.Why, disabled.At);
                break;
            case WebhookEnabled:
                launching.OnEnabled();
                break;
            default:
                throw new InvalidOperationException($"A launch does not know the event {happened.GetType().Name}.");
        }
    }
}
