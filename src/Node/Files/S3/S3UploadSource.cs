using Backhaul.Node.Transfers;

namespace Backhaul.Node.Files.S3;

/// <summary>What an upload sends: one version of an object, known by its tag. Reads in order go on in one answer of the store.</summary>
internal sealed class S3UploadSource(S3Container container, string key, S3Found opened) : IUploadSource
{
    private readonly S3ReadStream _stream = new(container, key, opened.ETag, opened.Length);

    public long Length => opened.Length;

    public FileIdentity Identity { get; } = S3Identity.OfSource(opened);

    public async ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop)
    {
        _stream.Position = offset;
        return await _stream.ReadAsync(into, stop);
    }

    public async ValueTask<bool> IsUnchangedAsync(CancellationToken stop) =>
        await container.FindAsync(key, "look at a file to send", stop) is { } now && now.ETag == opened.ETag && now.Length == opened.Length;

    public ValueTask DisposeAsync() => _stream.DisposeAsync();
}
