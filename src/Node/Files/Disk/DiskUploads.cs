using Backhaul.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// Resumable staging into a disk container. An upload goes
/// <code>
///   created ──append (flush, then state)──► … ──all bytes──► renamed into place ──► state says complete ──age──► swept
/// </code>
/// A crash between the rename and the last state leaves a state that counts all bytes and no bytes beside it: whoever looks next says complete. A crash before the
/// rename leaves both, and whoever looks next puts the file in place. One request at a time appends, on this node by <see cref="ActiveUploads"/>, on all of them by
/// a lock on the bytes, which ends with the process that holds it.
/// </summary>
internal sealed class DiskUploads(DiskContainers containers, IFileWork work, FilesOptions options, TimeProvider time) : IUploadStaging
{
    private readonly ActiveUploads _active = new(time);

    /// <summary>One creation of this node at a time counts.</summary>
    private readonly Lock _counting = new();

    public bool Takes(ContainerName container) => containers.Exists(container);

    public async ValueTask<UploadOutcome> CreateAsync(UploadKey key, NewUpload upload, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        if (upload.Length > options.StageBytesMax)
            return new UploadOutcome.TooLarge(options.StageBytesMax);
        var state = new UploadState
        {
            Path = upload.Path.ToString(),
            Offset = 0,
            Length = upload.Length,
            CreatedAt = time.GetUtcNow(),
            ExpiresAt = time.GetUtcNow() + options.UploadAge,
            Note = upload.Note,
        };
        return await GuardAsync(async () =>
        {
            var container = containers.Get(key.Container);
            var isCreated = await work.RunAsync(
                static s =>
                {
                    using var folder = UploadFolder.Make(s.container, s.key.Tenant);
                    if (!TakePlace(folder, s.key.Id, s.max, s.counting))
                        return false;
                    folder.WriteState(s.key.Id, s.state);
                    return true;
                },
                (container, key, state, max: options.UploadsPerTenantMax, counting: _counting));
            return isCreated ? new UploadOutcome.Known(Progress(state)) : new UploadOutcome.TooMany(options.UploadsPerTenantMax);
        });
    }

    public async ValueTask<UploadOutcome> FindAsync(UploadKey key, CancellationToken stop)
    {
        using var turn = await _active.EnterAsync(key, stop);
        return await GuardAsync(async () =>
        {
            using var opened = await OpenAsync(key);
            if (opened.Refused(time.GetUtcNow(), isBusyRefused: false) is { } refused)
                return refused;
            var state = opened.State!;
            if (opened.Bytes is not null && !state.IsComplete && state.Offset == state.Length)
                state = await PutInPlaceAsync(key, opened);
            return new UploadOutcome.Known(Progress(state));
        });
    }

    public async ValueTask<UploadOutcome> AppendAsync(UploadKey key, UploadAppend append, Stream body, CancellationToken stop)
    {
        using var turn = await _active.EnterAsync(key, stop);
        if (turn is null)
            return new UploadOutcome.Busy();
        return await GuardAsync(async () =>
        {
            using var opened = await OpenAsync(key);
            if (opened.Refused(time.GetUtcNow(), isBusyRefused: true) is { } refused)
                return refused;
            var state = opened.State!;
            if (state.IsComplete)
                return append.Offset == state.Offset && append.BodyLength is 0 or null ? new UploadOutcome.CompleteAlready(Progress(state)) : Another(state);
            if (append.Offset != state.Offset)
                return new UploadOutcome.AtAnotherOffset(Progress(state));
            var length = LengthOf(state, append);
            if ((state.Length is { } known && length != known) || append.Offset + (append.BodyLength ?? 0) > (length ?? long.MaxValue))
                return new UploadOutcome.OtherLength(state.Length ?? length);
            if (length > options.StageBytesMax || append.Offset + (append.BodyLength ?? 0) > options.StageBytesMax)
                return new UploadOutcome.TooLarge(options.StageBytesMax);
            return await ReceiveAsync(key, opened, append, length, body, turn.Stop);
        });
    }

    public async ValueTask<UploadOutcome> TerminateAsync(UploadKey key, CancellationToken stop)
    {
        using var turn = await _active.EnterAsync(key, stop);
        return await GuardAsync(async () =>
        {
            using var opened = await OpenAsync(key);
            if (opened.Refused(DateTimeOffset.MinValue, isBusyRefused: true) is { } refused)
                return refused;
            await work.RunAsync(
                static s =>
                {
                    s.folder.Remove(s.id);
                    return true;
                },
                (folder: opened.Folder!, id: key.Id));
            return new UploadOutcome.Known(Progress(opened.State!));
        });
    }

    /// <summary>Other nodes count beside this one: who is not within the limit with its own bytes among the others takes them away again.</summary>
    private static bool TakePlace(UploadFolder folder, Guid id, int uploadsMax, Lock counting)
    {
        lock (counting)
        {
            if (folder.CountOpen() >= uploadsMax)
                return false;
            folder.CreateBytes(id);
            if (folder.CountOpen() <= uploadsMax)
                return true;
            folder.Remove(id);
            return false;
        }
    }

    private static UploadOutcome.AtAnotherOffset Another(UploadState state) => new(Progress(state));

    /// <summary>The length that holds from this request on.</summary>
    private static long? LengthOf(UploadState state, UploadAppend append) =>
        append.Length ?? (append is { IsLast: true, BodyLength: { } bytes } ? append.Offset + bytes : state.Length);

    private async ValueTask<UploadOutcome> ReceiveAsync(
        UploadKey key, OpenUpload opened, UploadAppend append, long? length, Stream body, CancellationToken stop)
    {
        var receiver = new UploadReceiver(opened.Folder!, key.Id, opened.Bytes!, opened.State! with { Length = length }, work, time, options.UploadAge);
        var bytesMax = Math.Min(length ?? long.MaxValue, options.StageBytesMax) - append.Offset;
        var result = await receiver.RunAsync(body, bytesMax, append.Checksum, stop);
        if (result == ReceiveResult.ChecksumDiffers)
            return new UploadOutcome.ChecksumDiffers();
        if (result == ReceiveResult.TooLong)
            return length is null ? new UploadOutcome.TooLarge(options.StageBytesMax) : new UploadOutcome.OtherLength(length);
        if (receiver.IsBroken)
            return new UploadOutcome.Interrupted(Progress(receiver.State));
        if (append.IsLast && receiver.State.Offset < (length ?? 0))
            return new UploadOutcome.OtherLength(length);
        if (append.IsLast && length is null)
            await receiver.CountAsync(receiver.State.Offset, receiver.State.Offset);
        opened.State = receiver.State;
        return new UploadOutcome.Known(Progress(receiver.State.Offset == receiver.State.Length ? await PutInPlaceAsync(key, opened) : receiver.State));
    }

    /// <summary>Flushed and renamed, and then said.</summary>
    private ValueTask<UploadState> PutInPlaceAsync(UploadKey key, OpenUpload opened) => work.RunAsync(
        static s =>
        {
            var (folder, bytes, state) = (s.opened.Folder!, s.opened.Bytes!, s.opened.State!);
            var container = folder.Container;
            // What an interrupted request wrote beyond the end that counts.
            container.Check(container.Calls.SetLength(bytes, state.Offset), "set a file's length");
            var created = container.Publish(
                bytes, folder.Handle, UploadFolder.NameOf(s.key.Id) + UploadFolder.BytesSuffix, Place.Of(s.key.Tenant, ContainerPath.Parse(state.Path)), flush: true,
                "upload", owner: null);
            container.Check(container.Calls.Status(bytes, null, out var status), "look at a file");
            var complete = state with { IsComplete = true, ETag = DiskContainers.ETagOf(status), Created = created };
            folder.WriteState(s.key.Id, complete);
            return complete;
        },
        (key, opened));

    private ValueTask<OpenUpload> OpenAsync(UploadKey key) => work.RunAsync(
        static s => OpenUpload.Open(s.container, s.key), (container: containers.Get(key.Container), key));

    private static UploadProgress Progress(UploadState state) => new(
        ContainerPath.Parse(state.Path), state.Offset, state.Length, state.IsComplete, state.ExpiresAt, state.Note, state.ETag, state.Created);

    private static async ValueTask<UploadOutcome> GuardAsync(Func<ValueTask<UploadOutcome>> act)
    {
        try
        {
            return await act();
        }
        catch (StorageException refused)
        {
            return new UploadOutcome.Refused(StorageProblems.Of(refused));
        }
    }

    /// <summary>An upload in hand: its folder, its bytes with their lock, its state as it was read under the lock.</summary>
    private sealed class OpenUpload : IDisposable
    {
        public UploadFolder? Folder { get; private init; }
        public SafeFileHandle? Bytes { get; private init; }
        public UploadState? State { get; set; }
        private bool IsBusy { get; init; }

        public static OpenUpload Open(DiskContainer container, UploadKey key)
        {
            if (UploadFolder.Find(container, key.Tenant) is not { } folder)
                return new OpenUpload();
            var bytes = folder.OpenBytes(key.Id, out var isBusy);
            try
            {
                var state = folder.ReadState(key.Id);
                if (bytes is null && !isBusy && state is { IsComplete: false } && state.Offset == state.Length)
                    state = state with { IsComplete = true }; // a crash after the rename
                return new OpenUpload { Folder = folder, Bytes = bytes, State = state, IsBusy = isBusy };
            }
            catch
            {
                bytes?.Dispose();
                folder.Dispose();
                throw;
            }
        }

        public UploadOutcome? Refused(DateTimeOffset now, bool isBusyRefused) => this switch
        {
            { State: null } => new UploadOutcome.NotFound(),
            _ when State.ExpiresAt < now => new UploadOutcome.Expired(),
            { IsBusy: true } when isBusyRefused => new UploadOutcome.Busy(),
            { Bytes: null, IsBusy: false } when !State.IsComplete => new UploadOutcome.NotFound(), // its bytes were removed under it
            _ => null,
        };

        public void Dispose()
        {
            Bytes?.Dispose();
            Folder?.Dispose();
        }
    }
}
