using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Whether an absent client is to be launched, and what a launch that is under way comes to. Pure. That a launch is wanted is journaled before it is sent:
/// its number names it, and the limiter goes on from it wherever the session goes.
/// </summary>
internal static class LaunchDecider
{
    /// <summary>What time and the client's absence ask for now.</summary>
    public static IReadOnlyList<SessionEvent> Continue(Session session, Presence presence, DateTimeOffset now)
    {
        var launching = session.Launching;
        if (LapsesAt(session) is { } lapse && lapse <= now)
        {
            var open = launching.Open!;
            return [new LaunchEnded(open.Number, open.IsDelivered ? LaunchEnds.Lapsed : LaunchEnds.Unneeded, now)];
        }
        if (NextAt(session, presence) is not { } next || next > now)
            return [];
        var need = launching.NeedAfter(session.Delivery.Acknowledged)!;
        return [new LaunchRequested(launching.LastNumber + 1, need.Reason, session.Delivery.LastNumber, launching.Limiter.LevelFor(Since(session, need, presence)), now)];
    }

    /// <summary>When <see cref="Continue"/> has something to say.</summary>
    public static DateTimeOffset? NextDue(Session session, Presence presence) => LapsesAt(session) ?? NextAt(session, presence);

    /// <summary>Something waits for the client.</summary>
    public static bool IsNeeded(Session session) => session.Launching.NeedAfter(session.Delivery.Acknowledged) is not null;

    /// <summary>The launch to send, and when; null while there is none, or a client is there to see for itself.</summary>
    public static DateTimeOffset? SendAt(Session session, Presence presence) =>
        MayLaunch(session) && !presence.IsAttached && session.Launching.Open is { IsDelivered: false } open ? Quiet(open.Tries?.NextAt ?? open.At, presence) : null;

    /// <summary>
    /// A client is there: by a stream, a poll, or a PUT. By its own will, unless it answers a launch: one that is open, or ended only just, since news of a stream that
    /// another node holds may come after what its client acknowledged.
    /// </summary>
    public static IReadOnlyList<SessionEvent> Attach(Session session, DateTimeOffset now)
    {
        var launching = session.Launching;
        var comesByItself = launching.Open is null && !(now < launching.EndedAt + session.Options.AttachGrace);
        return launching.IsHeld || (comesByItself && launching.Limiter.Level > 0) ? [new ClientAttached(now)] : [];
    }

    /// <summary>The client has handled a launch.</summary>
    public static Decision Complete(Session session, long number, DateTimeOffset now)
    {
        var launching = session.Launching;
        if (number < 1 || number > launching.LastNumber)
        {
            return Decision.Refuse(404, ProblemCodes.LaunchNotFound, launching.LastNumber == 0
                ? "This session has not launched anybody yet."
                : $"There is no launch {number}: the newest is {launching.LastNumber}.");
        }
        IReadOnlyList<SessionEvent> events = launching.Open?.Number == number ? [new LaunchEnded(number, LaunchEnds.Completed, now)] : [];
        return new Decision(events, (after, _) => SessionViews.Json(
            200, new LaunchView { Number = number, Newest = after.Launching.LastNumber, Completed = after.Launching.Open?.Number != number }, ProtocolJson.Default.LaunchView));
    }

    /// <summary>Everything is acknowledged: the launch was handled, said or not.</summary>
    public static SessionEvent? OnAllAcknowledged(Session session, DateTimeOffset now) =>
        session.Launching.Open is { } open ? new LaunchEnded(open.Number, LaunchEnds.Acknowledged, now) : null;

    private static DateTimeOffset? NextAt(Session session, Presence presence)
    {
        var launching = session.Launching;
        if (presence.IsAttached || !MayLaunch(session) || launching.Open is { IsDelivered: false }
            || launching.NeedAfter(session.Delivery.Acknowledged) is not { } need)
        {
            return null;
        }
        return Quiet(launching.Limiter.NextAt(Since(session, need, presence), session.Configurations.Current.LaunchLimit), presence);
    }

    /// <summary>Whoever was just there may be about to come back: no launch goes out before, a new one or one that was not taken.</summary>
    private static DateTimeOffset Quiet(DateTimeOffset at, Presence presence) => at > presence.QuietUntil ? at : presence.QuietUntil;

    /// <summary>When an open launch that nobody needs any more ends: the undelivered one at once, the other when its client had its time.</summary>
    private static DateTimeOffset? LapsesAt(Session session) => session.Launching.Open is { } open && !IsNeeded(session)
        ? open.IsDelivered ? session.Launching.Limiter.Until : DateTimeOffset.UnixEpoch
        : null;

    /// <summary>A client that was there by its own will has seen what stood before it left. One that was launched, and left its launch open, has not handled it.</summary>
    private static DateTimeOffset Since(Session session, LaunchNeed need, Presence presence) =>
        session.Launching.Open is null && presence.LeftAt > need.Since ? presence.LeftAt.Value : need.Since;

    private static bool MayLaunch(Session session) =>
        session is { Phase: not SessionPhase.Absent, Launching: { IsHeld: false, Disabled: null } }
        && session.Configurations.Current is { Launch: not null } configuration && configuration.SendsLaunchEvents is not false;
}
