using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// A download on its way into a bucket: a multipart upload that is fed by offset.
/// <code>
/// written ─► part buffer ─full─► uploading (at most PartsInFlight at once) ─► at the store: durable, and in the next checkpoint
///               └── sealed (the last part, when nothing more comes) ──┘
/// </code>
/// Invariants: a part is sent only when all its bytes are there, so the store never has a torn one; what is durable is whole parts that the store confirmed;
/// trust is checked right before the upload begins, before each part and before the end, and before each repetition of these; memory is bounded by the parts in flight and those that are being
/// written, each of a part's size. A file of one part is no multipart upload: it is kept here and put at the end.
/// <para>
/// Other owners. The upload id belongs to the bytes of one origin version, as an inode does on a disk. Who adopts it writes, under the same strong validator, the
/// same bytes to the same numbers, so a late part of an older owner changes a tag at most; the end is then refused, and tried again with the tags that the store
/// lists, after comparing sizes. A start from zero is a new upload id, which an older owner does not know.
/// </para>
/// </summary>
internal sealed class S3PartFile : IPartFile
{
    /// <summary>Parts that wait for bytes which come from elsewhere; more means that a file is written in shreds.</summary>
    private const int OpenPartsMax = 64;

    private readonly S3Container _container;
    private readonly ICrashPoints _crashPoints;
    private readonly UploadNotes _notes;
    private readonly TaskFiles _files;
    private readonly PartOwner _owner;
    private readonly PartName _name;
    private readonly string _key;
    private readonly string _birth;
    private readonly PartPlan _plan;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _slots;
    private readonly SemaphoreSlim _beginning = new(1, 1);
    private readonly Dictionary<int, PartBuffer> _buffers = [];
    private readonly SortedDictionary<int, S3Part> _parts = [];
    private readonly List<Task> _uploads = [];
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource? _firstDurable;
    private string? _uploadId;
    private long? _length;
    private long _end;
    private StorageException? _failure;
    private bool _hasLostOwnership;

    /// <param name="container">Where it goes.</param>
    /// <param name="crashPoints">For tests.</param>
    /// <param name="files">Whose it is.</param>
    /// <param name="owner">Who writes it.</param>
    /// <param name="name">In checkpoints.</param>
    /// <param name="length">Of the whole file, when known.</param>
    /// <param name="adopted">The upload of an earlier owner, its parts as the store has them now; null for a fresh one.</param>
    public S3PartFile(S3Container container, ICrashPoints crashPoints, TaskFiles files, PartOwner owner, PartName name, long? length, ObjectUpload? adopted)
    {
        (_container, _crashPoints, _files, _owner, _name) = (container, crashPoints, files, owner, name);
        _notes = new UploadNotes(container, files);
        _key = container.Key(Place.Of(files));
        _birth = S3Identity.Birth(HiddenNames.Stem(files.Session, files.Generation, files.Task), name);
        _plan = adopted is null ? PartPlan.For(length, container.PartBytes) : new PartPlan(adopted.PartBytes, adopted.Grows);
        (_length, _uploadId) = (adopted?.Length ?? length, adopted?.UploadId);
        _firstDurable = adopted is null ? new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) : null;
        _slots = new SemaphoreSlim(container.PartsInFlight);
        foreach (var part in adopted?.Parts ?? [])
        {
            var range = RangeOf(part.Number);
            _parts[part.Number] = new S3Part(part.Number, part.ETag, range.Length);
            _end = Math.Max(_end, range.To);
        }
    }

    public string Name => _name.ToString();

    public bool CanRead => false;

    public Task? FirstDurable => _firstDurable?.Task;

    public long Grain => _plan.FirstBytes;

    public RangeSet? Held
    {
        get
        {
            lock (_gate)
                return RangeSet.Of(_parts.Keys.Select(RangeOf));
        }
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, long offset, CancellationToken stop)
    {
        while (!chunk.IsEmpty)
        {
            RefuseAfterFailure();
            var range = RangeOf(_plan.NumberAt(offset));
            var count = (int)Math.Min(chunk.Length, range.To - offset);
            if (count <= 0)
                throw new StorageException(StorageFailure.Failed, $"A download into container {_container.Name} wrote behind its end at {_length}.");
            if (await OpenBufferAsync(offset, stop))
            {
                PartBuffer? full = null;
                lock (_gate)
                {
                    if (_buffers.TryGetValue(_plan.NumberAt(offset), out var buffer) && !buffer.IsUploading)
                    {
                        buffer.Write(chunk.Span[..count], offset);
                        if (buffer.IsFull && !IsSinglePut(buffer))
                            full = buffer;
                    }
                    _end = Math.Max(_end, offset + count);
                }
                if (full is not null)
                    BeginUpload(full);
            }
            chunk = chunk[count..];
            offset += count;
        }
    }

    public ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop) =>
        throw new StorageException(StorageFailure.Denied, "An object store shows no parts of an object before it is whole.");

    public void StartWriteBack(long offset, long count)
    {
        // Parts are sent as soon as they are full.
    }

    public async ValueTask<PartFlush> FlushAsync(RangeSet written, CancellationToken stop)
    {
        await WaitForUploadsAsync(stop);
        if (_failure is { Failure: not StorageFailure.Away } failure)
            throw new StorageException(failure.Failure, failure.Message, failure);
        _crashPoints.Reach("checkpoint.flush");
        lock (_gate)
        {
            var held = RangeSet.Of(_parts.Keys.Select(RangeOf));
            var durable = RangeSet.Of(written.SelectMany(held.Intersect));
            return new PartFlush(durable, _uploadId is null ? null : Upload());
        }
    }

    /// <summary>Also sends the last part: from now on only the end is missing.</summary>
    public async ValueTask<FileIdentity> IdentifyAsync(CancellationToken stop)
    {
        await SealAsync(_end, stop);
        return S3Identity.Of(_birth, _end);
    }

    public async ValueTask<FileView> PublishAsync(long length, string? sha256, bool flush, CancellationToken stop)
    {
        await SealAsync(length, stop);
        _crashPoints.Reach("publish.write");
        _crashPoints.Reach("publish.flush");
        if (_uploadId is null)
            await PutAsync(length, stop);
        else
            await CompleteAsync(length, stop);
        _crashPoints.Reach("publish.rename");
        _crashPoints.Reach("publish.directoryFlush");
        if (_uploadId is not null)
            await _notes.ForgetAsync(_owner.Epoch, stop);
        return Place.View(_files, length, sha256);
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await WaitForUploadsAsync(CancellationToken.None);
        lock (_gate)
        {
            foreach (var buffer in _buffers.Values)
                buffer.Free();
            _buffers.Clear();
        }
        _closing.Dispose();
        _slots.Dispose();
        _beginning.Dispose();
    }

    /// <summary>The bytes of a part, cut at the file's end where that is known.</summary>
    private ByteRange RangeOf(int number)
    {
        var range = _plan.RangeOf(number);
        return _length is { } length ? range.Intersect(new ByteRange(0, length)) : range;
    }

    /// <summary>The only part of a file that needs no multipart upload.</summary>
    private bool IsSinglePut(PartBuffer buffer) => _uploadId is null && buffer.Number == 1 && _length == buffer.Range.To;

    /// <summary>Makes room for the part of an offset. False: the store has that part already, and the bytes are the same.</summary>
    private async ValueTask<bool> OpenBufferAsync(long offset, CancellationToken stop)
    {
        var number = _plan.NumberAt(offset);
        lock (_gate)
        {
            if (_parts.ContainsKey(number))
                return false;
            if (_buffers.ContainsKey(number))
                return true;
        }
        // A free slot is a bound on what is being sent; whoever is to write the next part waits for it, and so does the socket behind him.
        await _slots.WaitAsync(stop);
        _slots.Release();
        lock (_gate)
        {
            if (!_buffers.ContainsKey(number) && !_parts.ContainsKey(number))
            {
                if (_buffers.Values.Count(buffer => !buffer.IsUploading) >= OpenPartsMax)
                    throw new StorageException(StorageFailure.Failed, $"A download into container {_container.Name} has {OpenPartsMax} unfinished parts of {_plan.FirstBytes} bytes: it is fetched in pieces that are too small.");
                _buffers.Add(number, new PartBuffer(number, RangeOf(number)));
            }
            return !_parts.ContainsKey(number);
        }
    }

    private void BeginUpload(PartBuffer buffer)
    {
        lock (_gate)
        {
            if (buffer.IsUploading)
                return;
            buffer.IsUploading = true;
            _uploads.RemoveAll(upload => upload.IsCompletedSuccessfully);
            _uploads.Add(UploadAsync(buffer));
        }
    }

    /// <summary>Never throws: what went wrong is kept and said at the next call.</summary>
    private async Task UploadAsync(PartBuffer buffer)
    {
        var slot = false;
        try
        {
            await _slots.WaitAsync(_closing.Token);
            slot = true;
            RefuseAfterFailure();
            await EnsureUploadAsync();
            var bytes = buffer.Content(buffer.Range.Length);
            using var reply = await _container.Client.UploadPartAsync(_key, _uploadId!, buffer.Number, bytes, _closing.Token, _owner);
            _container.Check(reply, "write a part of a file");
            if (reply.ETag is not { Length: > 0 and <= 256 } tag)
                throw new StorageException(StorageFailure.Failed, $"The store of container {_container.Name} confirmed a part without an ETag.");
            lock (_gate)
                _parts[buffer.Number] = new S3Part(buffer.Number, tag.Trim('"'), bytes.Length);
            _firstDurable?.TrySetResult();
        }
        catch (StorageException refused)
        {
            _failure ??= refused;
        }
        catch (OwnershipLostException)
        {
            _hasLostOwnership = true;
        }
        catch (OperationCanceledException)
        {
            // Closing: the part is not there, and nobody says that it is.
        }
        finally
        {
            lock (_gate)
            {
                _buffers.Remove(buffer.Number);
                buffer.Free();
            }
            if (slot)
                _slots.Release();
        }
    }

    /// <summary>The first part that is sent begins the upload, and leaves a note of it.</summary>
    private async ValueTask EnsureUploadAsync()
    {
        if (_uploadId is not null)
            return;
        await _beginning.WaitAsync(_closing.Token);
        try
        {
            if (_uploadId is null)
            {
                var notes = await _notes.ListAsync(_closing.Token);
                _notes.RefuseNewer(notes, _owner.Epoch);
                _owner.Check();
                await _notes.AbandonAsync(notes, _owner.Epoch, _closing.Token);
                var (reply, id) = await _container.Client.CreateUploadAsync(_key, _birth, [], _closing.Token, _owner);
                using (reply)
                {
                    _container.Check(reply, "begin a file");
                    if (id is not { Length: > 0 and <= 2048 })
                        throw new StorageException(StorageFailure.Failed, $"The store of container {_container.Name} began an upload without an id.");
                }
                await _notes.WriteAsync(_name, id, _owner, _closing.Token);
                _uploadId = id;
            }
        }
        finally
        {
            _beginning.Release();
        }
    }

    /// <summary>Nothing more is written: what is left in buffers is the last part.</summary>
    private async ValueTask SealAsync(long length, CancellationToken stop)
    {
        RefuseAfterFailure();
        PartBuffer? last = null;
        lock (_gate)
        {
            _length = length;
            var count = _plan.CountFor(length);
            if ((_uploadId is not null || count > 1) && _buffers.TryGetValue(count, out last) && !last.IsUploading)
                last.EndAt(length);
        }
        if (last is { IsUploading: false })
            BeginUpload(last.IsFull ? last : throw Incomplete(length));
        await WaitForUploadsAsync(stop);
        RefuseAfterFailure();
    }

    private async ValueTask PutAsync(long length, CancellationToken stop)
    {
        ReadOnlyMemory<byte> content = default;
        lock (_gate)
        {
            if (length > 0)
            {
                if (!_buffers.TryGetValue(1, out var only) || !only.Written.Contains(new ByteRange(0, length)))
                    throw Incomplete(length);
                content = only.Content(length);
            }
        }
        using var reply = await _container.Client.PutAsync(_key, content, _birth, stop, owner: _owner);
        _container.Check(reply, "write a file");
    }

    /// <summary>Ends the upload. An answer that got lost, and an upload that is gone, may mean that it has ended: then the object says so.</summary>
    private async ValueTask CompleteAsync(long length, CancellationToken stop)
    {
        var parts = WholeParts(length);
        for (var listed = false; ; listed = true)
        {
            using var reply = await _container.Client.CompleteUploadAsync(_key, _uploadId!, parts, stop, owner: _owner);
            if (reply.IsGood)
                return;
            if ((reply.IsAway || reply.IsNoSuchUpload) && await S3PartFiles.IsPublishedAsync(_container, _key, _birth, length, stop))
                return;
            if (listed || reply.Code is not "InvalidPart")
                throw S3Errors.Exception(reply, _container, "finish a file");
            // An older owner sent a part once more: the same bytes, perhaps under another tag.
            var (answer, there) = await _container.Client.ListPartsAsync(_key, _uploadId!, stop);
            using (answer)
                _container.Check(answer, "list the parts of a file");
            parts = [.. there.Where(part => part.Number <= _plan.CountFor(length)).OrderBy(part => part.Number)];
            if (parts.Count != _plan.CountFor(length) || parts.Exists(part => part.Bytes != RangeOf(part.Number).Length))
                throw Incomplete(length);
        }
    }

    private List<S3Part> WholeParts(long length)
    {
        lock (_gate)
        {
            var count = _plan.CountFor(length);
            var parts = _parts.Values.Where(part => part.Number <= count).ToList();
            if (parts.Count != count || parts.Exists(part => part.Bytes != RangeOf(part.Number).Length))
                throw Incomplete(length);
            return parts;
        }
    }

    private StorageException Incomplete(long length) =>
        new(StorageFailure.Failed, $"A file of {length} bytes for container {_container.Name} has parts that are missing or too short at the store: it is fetched again.");

    /// <summary>With the gate held.</summary>
    private ObjectUpload Upload() => new()
    {
        UploadId = _uploadId!,
        PartBytes = _plan.FirstBytes,
        Grows = _plan.Grows,
        Length = _length,
        Parts = [.. _parts.Values.Select(part => new ObjectPart(part.Number, part.ETag))],
    };

    private async ValueTask WaitForUploadsAsync(CancellationToken stop)
    {
        Task[] running;
        lock (_gate)
            running = [.. _uploads];
        await Task.WhenAll(running).WaitAsync(stop);
    }

    private void RefuseAfterFailure()
    {
        if (_hasLostOwnership)
            throw new OwnershipLostException();
        if (_failure is { } failure)
            throw new StorageException(failure.Failure, failure.Message, failure);
    }
}
