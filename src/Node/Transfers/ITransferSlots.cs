using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>
/// How many transfers this node runs at once, in all and to one host. Sessions take slots before they journal a start and give them
/// back when the attempt ended; a session that was refused is told once when a slot is free (see <see cref="TransferSlots"/> for who is next).
/// </summary>
internal interface ITransferSlots
{
    /// <summary>
    /// How many slots could be taken now for this host, at most <paramref name="wanted"/>; they are taken. A session has at most
    /// <paramref name="sessionHostMax"/> to one host, extra ones included. For discretionary work there are some only while nobody waits for one and the
    /// load is low.
    /// </summary>
    int Take(SessionKey session, string host, int wanted, int sessionHostMax = int.MaxValue, bool isDiscretionary = false);

    /// <summary>One more connection for an attempt that runs already; null while there is none to spare or somebody waits for one.</summary>
    SlotLease? TakeExtra(SessionKey session, string host, int sessionHostMax);

    /// <summary>Somebody waits for what an extra connection to this host holds: give it back at the next chance.</summary>
    bool IsWanted(string host);

    void Return(SessionKey session, string host, int count);

    /// <summary>
    /// Calls <paramref name="onFree"/> once when what the session was refused may be free again, up to <paramref name="wanted"/> slots at once. A second call of
    /// the same session replaces the first. Those who wait get slots in proportion to the weights of their tenants, and within a tenant to <paramref name="weight"/>.
    /// </summary>
    void NotifyWhenFree(SessionKey session, Action onFree, int wanted = 1, double weight = 1);

    /// <summary>It wants no slots any more, for now.</summary>
    void Decline(SessionKey session);

    /// <summary>Forgets a session's wish; its slots must have been returned.</summary>
    void Forget(SessionKey session);

    /// <summary>What transfers brought since the last call: the measure by which the node's limit is found.</summary>
    void Moved(long bytes, int files);

    TransferSlotUse Use { get; }

    /// <summary>What an origin is held back by, besides these limits; null when by nothing.</summary>
    OriginHold? HoldOf(string host);
}

/// <summary>Numbers behind a waiting reason and for the operator. <see cref="RunningMax"/> is the limit as it is at this moment.</summary>
internal sealed record TransferSlotUse(int Running, int RunningMax, int HostMax)
{
    /// <summary>Discretionary work starts only below this.</summary>
    public int DiscretionaryMax { get; init; }

    /// <summary>Sessions in line for a slot.</summary>
    public int Waiting { get; init; }

    /// <summary>Work that is not discretionary waits for a slot of the node.</summary>
    public bool IsWanted { get; init; }
}
