namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// What holds this node's transfers back, in one place: how many run at once (<see cref="Slots"/>), whether a request may go to its origin
/// now (<see cref="Gates"/>), and how fast bytes move (<see cref="Paces"/>).
/// </summary>
internal sealed class Governor(TransferOptions options, TimeProvider time) : IDisposable
{
    public TransferSlots Slots { get; } = new(options, time);

    public OriginGates Gates { get; } = new();

    public Paces Paces { get; } = new();

    public void Dispose() => Slots.Dispose();
}
