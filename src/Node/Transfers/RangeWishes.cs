using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers;

/// <summary>
/// Which bytes the clients of a running download want first: said by its session whenever it changes and is durable, looked at by the
/// attempt at every tick. A set is never changed, only replaced.
/// </summary>
internal sealed class RangeWishes(RangeSet wanted)
{
    private volatile RangeSet _wanted = wanted;

    public RangeSet Wanted
    {
        get => _wanted;
        set => _wanted = value;
    }
}
