namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// What holds this node's transfers back, in one place: how many run at once (<see cref="Slots"/>), whether a request may go to its origin
/// now (<see cref="Gates"/>), and how fast bytes move (<see cref="Paces"/>).
/// </summary>
internal sealed class Governor : IDisposable
{
    public Governor(TransferOptions options, TimeProvider time, OriginOptions? origins = null)
    {
        Gates = new OriginGates(origins ?? new OriginOptions(), time);
        Slots = new TransferSlots(options, time, Gates);
        Paces = new Paces(options, Gates, time);
    }

    public TransferSlots Slots { get; }

    public OriginGates Gates { get; }

    public Paces Paces { get; }

    public void Dispose()
    {
        Paces.Dispose();
        Slots.Dispose();
        Gates.Dispose();
    }
}
