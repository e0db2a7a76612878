using Backhaul.Node.Delivery;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>Mutants: sessions do not tell whoever listens that there is something new, do not see who is there, or see who is not.</summary>
internal sealed class MutantFeed(SessionFeed feed, SimRules rules, TimeProvider time) : ISessionFeed
{
    public static ISessionFeed Of(SessionFeed feed, SimRules rules, TimeProvider time) =>
        rules.NewsIsOff || rules.PresenceIsOff || rules.GhostsAreSeen ? new MutantFeed(feed, rules, time) : feed;

    public void Published(SessionKey session, long lastNumber)
    {
        if (!rules.NewsIsOff)
            feed.Published(session, lastNumber);
    }

    public void Progress(SessionKey session, ProgressView progress) => feed.Progress(session, progress);

    public void Closed(SessionKey session) => feed.Closed(session);

    public bool IsAttached(SessionKey session) =>
        !rules.PresenceIsOff && (feed.IsAttached(session) || (rules.GhostsAreSeen && time.GetUtcNow().Minute % 2 == 1));

    public IDisposable OnAttachment(SessionKey session, Action changed) => feed.OnAttachment(session, changed);
}
