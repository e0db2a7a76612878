using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>A slot that was taken. Whoever may be the last to know of the attempt returns it; only the first return counts.</summary>
internal sealed class SlotLease(ITransferSlots slots, SessionKey session, string host)
{
    private int _returned;

    public void Return()
    {
        if (Interlocked.Exchange(ref _returned, 1) == 0)
            slots.Return(session, host, 1);
    }
}
