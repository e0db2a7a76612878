namespace Backhaul.Node.Tests.Files;

/// <summary>A body whose connection is lost after so many bytes.</summary>
internal sealed class BreakingStream(int after) : MemoryStream(new byte[after])
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        await base.ReadAsync(buffer, cancellationToken) is var count and > 0 ? count : throw new IOException("The client went away.");
}
