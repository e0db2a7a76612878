using System.Collections.Concurrent;
using System.Security.Cryptography;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>Parts in memory, with an inode of their own each, so that a test sees what was reused and can make the disk refuse.</summary>
internal sealed class MemoryPartFiles : IPartFiles
{
    private readonly ConcurrentDictionary<string, MemoryFile> _parts = new(StringComparer.Ordinal);
    private int _inodes;

    public ConcurrentDictionary<string, MemoryFile> Published { get; } = new(StringComparer.Ordinal);

    /// <summary>Files of tasks with a destination, by its path.</summary>
    public ConcurrentDictionary<string, MemoryFile> Placed { get; } = new(StringComparer.Ordinal);

    /// <summary>Called whenever one of them was found.</summary>
    public Action? OnOpened { get; set; }
    public ConcurrentDictionary<string, byte[]> Sources { get; } = new(StringComparer.Ordinal);

    /// <summary>Throws from the named operation (<c>create write flush publish</c>) with the file's length so far.</summary>
    public Action<string, long>? OnDisk { get; set; }
    public int Created => Volatile.Read(ref _created);
    public int Adopted { get; private set; }
    public int Flushes => Volatile.Read(ref _flushes);
    public bool SourceChanges { get; set; }

    /// <summary>Parts ask for their first checkpoint when they have so many bytes, as those of an object store do.</summary>
    public long? FirstDurableAt { get; set; }

    /// <summary>The time of every source's last change.</summary>
    public long SourceModifiedNs { get; set; } = 1;

    private int _created;
    private int _flushes;

    public ValueTask<IPartFile> CreateAsync(TaskFiles files, PartOwner owner, long? length, long? expected, CancellationToken stop)
    {
        OnDisk?.Invoke("create", length ?? 0);
        Interlocked.Increment(ref _created);
        foreach (var (name, _) in _parts.Where(part => part.Key.StartsWith(Key(files), StringComparison.Ordinal)))
            _parts.TryRemove(name, out _);
        var file = new MemoryFile((ulong)Interlocked.Increment(ref _inodes));
        var part = new MemoryPart(this, files, owner, $"{Key(files)}.{owner.Epoch}.{owner.Attempt}.{file.Inode}", file);
        _parts[part.Name] = file;
        return new(part);
    }

    public ValueTask<IPartFile?> AdoptAsync(TaskFiles files, PartOwner owner, PartCheckpoint checkpoint, CancellationToken stop)
    {
        if (!_parts.TryRemove(checkpoint.Part, out var file) || file.Length < checkpoint.DurableEnd)
            return new((IPartFile?)null);
        Adopted++;
        var part = new MemoryPart(this, files, owner, $"{Key(files)}.{owner.Epoch}.{owner.Attempt}.{file.Inode}", file);
        _parts[part.Name] = file;
        return new(part);
    }

    public async ValueTask<FileView> PublishWholeAsync(
        TaskFiles files, PartOwner owner, ReadOnlyMemory<byte> content, string? sha256, bool flush, CancellationToken stop)
    {
        await using var part = await CreateAsync(files, owner, content.Length, null, stop);
        await part.WriteAsync(content, 0, stop);
        return await part.PublishAsync(content.Length, sha256, flush, stop);
    }

    public ValueTask<FileView?> FindPublishedAsync(TaskFiles files, long epoch, PartCheckpoint checkpoint, CancellationToken stop)
    {
        var found = Published.TryGetValue(Key(files), out var file) && file.Identity == checkpoint.Identity;
        return new(found ? View(files, checkpoint.Bytes, checkpoint.Sha256) : null);
    }

    public ValueTask DiscardAsync(TaskFiles files, long epoch, bool resultToo, CancellationToken stop)
    {
        foreach (var (name, _) in _parts.Where(part => part.Key.StartsWith(Key(files), StringComparison.Ordinal)))
            _parts.TryRemove(name, out _);
        if (resultToo)
            Published.TryRemove(Key(files), out _);
        return default;
    }

    public ValueTask<IUploadSource?> OpenSourceAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop) =>
        new(Sources.TryGetValue(path.ToString(), out var bytes) ? new MemorySource(this, bytes)
            : Placed.TryGetValue(path.ToString(), out var file) ? Opened(file) : null);

    private MemorySource Opened(MemoryFile file)
    {
        var source = new MemorySource(this, file.ToArray(), file.Identity);
        OnOpened?.Invoke();
        return source;
    }

    /// <summary>The content of the task's published file.</summary>
    public byte[] Result(TaskFiles files) => Published[Key(files)].ToArray();

    public string ResultSha256(TaskFiles files) => Convert.ToHexStringLower(SHA256.HashData(Result(files)));

    public bool HasResult(TaskFiles files) => Published.ContainsKey(Key(files));

    /// <summary>Cuts the part of a checkpoint, as a crash of the machine might.</summary>
    public void Shorten(string part, int length) => _parts[part].SetLength(length);

    private static string Key(TaskFiles files) => $"{files.Session}.{files.Generation}.{files.Task}";

    private static FileView View(TaskFiles files, long length, string? sha256) =>
        new() { Container = files.Container.ToString(), Path = files.Destination?.ToString() ?? "temporary", Length = length, Sha256 = sha256 };

    internal sealed class MemoryFile(ulong inode)
    {
        private readonly Lock _lock = new();
        private byte[] _bytes = [];
        private long _modified;

        public ulong Inode { get; } = inode;
        public int Length { get; private set; }
        public FileIdentity Identity => new(Inode, Length, _modified);

        public void Write(ReadOnlySpan<byte> chunk, long offset)
        {
            lock (_lock)
            {
                var end = (int)offset + chunk.Length;
                if (_bytes.Length < end)
                    Array.Resize(ref _bytes, Math.Max(end, _bytes.Length * 2));
                chunk.CopyTo(_bytes.AsSpan((int)offset));
                Length = Math.Max(Length, end);
                _modified++;
            }
        }

        public int Read(Span<byte> into, long offset)
        {
            lock (_lock)
            {
                var count = Math.Max(0, Math.Min(into.Length, Length - (int)offset));
                _bytes.AsSpan((int)offset, count).CopyTo(into);
                return count;
            }
        }

        public void SetLength(int length)
        {
            lock (_lock)
                Length = length;
        }

        public byte[] ToArray()
        {
            lock (_lock)
                return _bytes.AsSpan(0, Length).ToArray();
        }
    }

    private sealed class MemoryPart(MemoryPartFiles disk, TaskFiles files, PartOwner owner, string name, MemoryFile file) : IPartFile
    {
        private readonly TaskCompletionSource _firstDurable = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Name => name;

        public Task? FirstDurable => disk.FirstDurableAt is null ? null : _firstDurable.Task;

        public async ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, long offset, CancellationToken stop)
        {
            await Task.Yield();
            disk.OnDisk?.Invoke("write", offset);
            file.Write(chunk.Span, offset);
            if (file.Length >= disk.FirstDurableAt)
                _firstDurable.TrySetResult();
        }

        public ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop) => new(file.Read(into.Span, offset));

        public void StartWriteBack(long offset, long count)
        {
        }

        public async ValueTask<PartFlush> FlushAsync(RangeSet written, CancellationToken stop)
        {
            await Task.Yield();
            disk.OnDisk?.Invoke("flush", file.Length);
            Interlocked.Increment(ref disk._flushes);
            return new PartFlush(written);
        }

        public ValueTask<FileIdentity> IdentifyAsync(CancellationToken stop) => new(file.Identity);

        public ValueTask<FileView> PublishAsync(long length, string? sha256, bool flush, CancellationToken stop)
        {
            disk.OnDisk?.Invoke("publish", length);
            Assert.Equal(length, file.Length);
            owner.Check();
            disk._parts.TryRemove(name, out _);
            disk.Published[Key(files)] = file;
            if (files.Destination is { } path)
                disk.Placed[path.ToString()] = file;
            return new(View(files, length, sha256));
        }

        public ValueTask DisposeAsync() => default;
    }

    private sealed class MemorySource(MemoryPartFiles owner, byte[] bytes, FileIdentity? identity = null) : IUploadSource
    {
        public long Length => bytes.Length;

        public FileIdentity Identity => identity ?? new(7, bytes.Length, owner.SourceModifiedNs);

        public ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop)
        {
            var count = Math.Min(into.Length, bytes.Length - (int)offset);
            bytes.AsMemory((int)offset, count).CopyTo(into);
            return new(count);
        }

        public ValueTask<bool> IsUnchangedAsync(CancellationToken stop) => new(!owner.SourceChanges);

        public ValueTask DisposeAsync() => default;
    }
}
