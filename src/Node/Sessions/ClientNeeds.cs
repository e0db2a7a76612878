namespace Backhaul.Node.Sessions;

/// <summary>For which of its client a session has news or questions that it is worth being woken for. Follows from the state; pure.</summary>
/// <param name="AllEnded">Tasks have ended since the last <c>eventsDrained</c>, and none is left.</param>
/// <param name="Asked">A task waits for an answer: to a challenge, to a delayed request.</param>
/// <param name="CompletionFired">A completion group has fired, and its event is not acknowledged.</param>
internal readonly record struct ClientNeeds(bool AllEnded, bool Asked, bool CompletionFired)
{
    public bool Any => AllEnded || Asked || CompletionFired;

    public static ClientNeeds Of(Session session) => new(
        session.Tasks.Count == 0 && session.Delivery.DrainDue,
        session.Tasks.WaitingByReason.GetValueOrDefault(WaitReasons.Credential) + session.Tasks.WaitingByReason.GetValueOrDefault(WaitReasons.DelayedRequest) > 0,
        session.Completions.HasUnread);
}
