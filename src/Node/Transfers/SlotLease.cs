using Backhaul.Node.Transfers.Conditions;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>A slot that was taken. Whoever may be the last to know of the attempt returns it; only the first return counts.</summary>
/// <param name="slots">Where it was taken.</param>
/// <param name="session">For whom.</param>
/// <param name="host">To where.</param>
/// <param name="places">Where a place of an unconstrained transfer was taken besides; null for others.</param>
internal sealed class SlotLease(ITransferSlots slots, SessionKey session, string host, UnconstrainedPlaces? places = null)
{
    private int _returned;

    public void Return()
    {
        if (Interlocked.Exchange(ref _returned, 1) != 0)
            return;
        places?.Return(); // before the slot: who is told of that finds the place free
        slots.Return(session, host, 1);
    }
}
