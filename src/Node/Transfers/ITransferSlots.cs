using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// How many transfers this node runs at once, in all and to one host. Sessions take slots before they journal a start and give them
/// back when the attempt ended; a session that was refused is told once when a slot is free (first come, first served).
/// </summary>
internal interface ITransferSlots
{
    /// <summary>
    /// How many slots could be taken now for this host, at most <paramref name="wanted"/>; they are taken. A session has at most
    /// <paramref name="sessionHostMax"/> to one host, extra ones included.
    /// </summary>
    int Take(SessionKey session, string host, int wanted, int sessionHostMax = int.MaxValue);

    /// <summary>One more connection for an attempt that runs already; null while there is none to spare or somebody waits for one.</summary>
    SlotLease? TakeExtra(SessionKey session, string host, int sessionHostMax);

    /// <summary>Somebody waits for what an extra connection to this host holds: give it back at the next chance.</summary>
    bool IsWanted(string host);

    void Return(SessionKey session, string host, int count);

    /// <summary>Calls <paramref name="onFree"/> once when a slot may be free again. A second call of the same session replaces the first.</summary>
    void NotifyWhenFree(SessionKey session, Action onFree);

    /// <summary>Forgets a session's wish; its slots must have been returned.</summary>
    void Forget(SessionKey session);

    /// <summary>What transfers brought since the last call: the measure by which the node's limit is found.</summary>
    void Moved(long bytes, int files);

    TransferSlotUse Use { get; }

    /// <summary>What an origin is held back by, besides these limits; null when by nothing.</summary>
    OriginHold? HoldOf(string host);
}

/// <summary>Numbers behind a waiting reason and for the operator. <see cref="RunningMax"/> is the limit as it is at this moment.</summary>
internal sealed record TransferSlotUse(int Running, int RunningMax, int HostMax);
