using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers.Uploads.Multipart;

/// <summary>A multipart body as one source: it has a length before its first byte is read, and any byte of it can be read again.</summary>
internal sealed class MultipartSource : IUploadSource
{
    private readonly IReadOnlyList<IUploadSource?> _files;
    private readonly List<(long From, ReadOnlyMemory<byte> Bytes, IUploadSource? File)> _pieces = [];

    public MultipartSource(MultipartLayout layout, IReadOnlyList<IUploadSource?> files)
    {
        _files = files;
        for (var i = 0; i < files.Count; i++)
        {
            Add(layout.Before[i], null, layout.Before[i].Length);
            if (files[i] is { } file)
                Add(default, file, file.Length);
        }
        Add(layout.End, null, layout.End.Length);
        var changedNs = files.Max(file => file?.Identity.ModifiedNs) ?? 0;
        Identity = new FileIdentity(layout.Fingerprint, Length, changedNs);
    }

    public long Length { get; private set; }

    public FileIdentity Identity { get; }

    public async ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop)
    {
        for (var i = _pieces.Count - 1; i >= 0; i--)
        {
            var (from, bytes, file) = _pieces[i];
            if (from > offset)
                continue;
            var end = i + 1 < _pieces.Count ? _pieces[i + 1].From : Length;
            if (offset >= end)
                return 0;
            var count = (int)Math.Min(into.Length, end - offset);
            if (file is not null)
                return await file.ReadAsync(into[..count], offset - from, stop);
            bytes.Slice((int)(offset - from), count).CopyTo(into);
            return count;
        }
        return 0;
    }

    public async ValueTask<bool> IsUnchangedAsync(CancellationToken stop)
    {
        foreach (var file in _files)
        {
            if (file is not null && !await file.IsUnchangedAsync(stop))
                return false;
        }
        return true;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var file in _files)
            await (file?.DisposeAsync() ?? default);
    }

    private void Add(ReadOnlyMemory<byte> bytes, IUploadSource? file, long length)
    {
        if (length == 0)
            return;
        _pieces.Add((Length, bytes, file));
        Length += length;
    }
}
