using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>A session that waits for slots.</summary>
/// <param name="Session">Who waits.</param>
/// <param name="OnFree">How it is told.</param>
/// <param name="Hosts">The full hosts it waits for, each with the session's own limit.</param>
/// <param name="ForNode">It waits for any slot.</param>
/// <param name="ForLoad">It waits with discretionary work.</param>
/// <param name="Wanted">How many slots it could use at once.</param>
internal sealed record SlotWaiter(SessionKey Session, Action OnFree, IReadOnlyDictionary<string, int> Hosts, bool ForNode, bool ForLoad, int Wanted)
{
    public bool IsForLoadOnly => ForLoad && !ForNode && Hosts.Count == 0;
}
