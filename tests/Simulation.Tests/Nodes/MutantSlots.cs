using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>Mutants: slots that are given out beyond the limits, or that nobody is told of when they come free.</summary>
internal sealed class MutantSlots(ITransferSlots slots, SimRules rules) : ITransferSlots
{
    private readonly Dictionary<(SessionKey Session, string Host), int> _beyond = [];

    public TransferSlotUse Use => slots.Use;

    public static ITransferSlots Of(ITransferSlots slots, SimRules rules) => rules.SlotsAreBoundless || rules.SlotsAreKeptSecret ? new MutantSlots(slots, rules) : slots;

    public int Take(SessionKey session, string host, int wanted, int sessionHostMax = int.MaxValue, bool isDiscretionary = false)
    {
        var taken = slots.Take(session, host, wanted, sessionHostMax, isDiscretionary);
        if (taken > 0 || !rules.SlotsAreBoundless)
            return taken;
        _beyond[(session, host)] = _beyond.GetValueOrDefault((session, host)) + 1;
        return 1;
    }

    public SlotLease? TakeExtra(SessionKey session, string host, int sessionHostMax) => slots.TakeExtra(session, host, sessionHostMax);

    public bool IsWanted(string host) => slots.IsWanted(host);

    public void Return(SessionKey session, string host, int count)
    {
        if (_beyond.GetValueOrDefault((session, host)) is var beyond and > 0)
            _beyond[(session, host)] = beyond - 1;
        else
            slots.Return(session, host, count);
    }

    public void NotifyWhenFree(SessionKey session, Action onFree, int wanted = 1, double weight = 1)
    {
        if (!rules.SlotsAreKeptSecret)
            slots.NotifyWhenFree(session, onFree, wanted, weight);
    }

    public void Decline(SessionKey session) => slots.Decline(session);

    public void Forget(SessionKey session) => slots.Forget(session);

    public void Moved(long bytes, int files) => slots.Moved(bytes, files);

    public OriginHold? HoldOf(string host) => slots.HoldOf(host);
}
