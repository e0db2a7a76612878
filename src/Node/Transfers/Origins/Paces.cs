namespace Backhaul.Node.Transfers.Origins;

/// <summary>The paces of a node's attempts.</summary>
internal sealed class Paces
{
    private readonly IPace _unlimited = new Unlimited();

    public IPace For(AttemptOrder order) => _unlimited;

    private sealed class Unlimited : IPace
    {
        public int Grain => int.MaxValue;

        public TimeSpan Held => TimeSpan.Zero;

        public ValueTask TakeAsync(int bytes, CancellationToken stop) => default;
    }
}
