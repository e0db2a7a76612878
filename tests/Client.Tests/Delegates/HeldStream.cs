namespace Backhaul.Client.Tests.Delegates;

/// <summary>Gives its bytes, and ends when the test says so.</summary>
internal sealed class HeldStream(byte[] bytes, Task end, Action closed) : MemoryStream(bytes)
{
    private bool _isClosed;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Position == Length)
            await end.WaitAsync(cancellationToken);
        return await base.ReadAsync(buffer, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (!_isClosed)
            closed();
        _isClosed = true;
        base.Dispose(disposing);
    }
}
