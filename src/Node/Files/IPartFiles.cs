using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>
/// The files of running transfers. A part belongs to one (task, origin version); its name carries the epoch of the owner that writes
/// it, and a new owner adopts it by renaming. A part that may still be held open elsewhere is never truncated: a start from zero is a new inode.
/// What a disk refuses comes as <see cref="StorageException"/>, and an owner that may not act any more learns so by
/// <see cref="OwnershipLostException"/>, before a name has changed.
/// </summary>
internal interface IPartFiles
{
    /// <summary>A fresh part, on a new inode; older parts of the task are unlinked. Reserves <paramref name="length"/> bytes when known, else what is expected.</summary>
    ValueTask<IPartFile> CreateAsync(TaskFiles files, PartOwner owner, long? length, long? expected, CancellationToken stop);

    /// <summary>
    /// Takes over the part of a checkpoint. Null when it is gone or shorter than the checkpoint. Bytes after the checkpoint are not
    /// trusted and are written again.
    /// </summary>
    ValueTask<IPartFile?> AdoptAsync(TaskFiles files, PartOwner owner, PartCheckpoint checkpoint, CancellationToken stop);

    /// <summary>
    /// A whole small file in one piece of work off the caller's thread: create, write, flush (when <paramref name="flush"/>), rename into
    /// place, flush the folder. Nothing of it is seen before it is complete. Earlier parts of the task are left alone: a task that had a
    /// checkpoint is discarded by the caller. On its way in it lies in the staging folder of this process and not among the task's parts: a folder
    /// made and removed for each of ten thousand small files costs more than the few that a new owner would find there.
    /// </summary>
    ValueTask<FileView> PublishWholeAsync(
        TaskFiles files, PartOwner owner, ReadOnlyMemory<byte> content, string? sha256, bool flush, CancellationToken stop);

    /// <summary>After a complete checkpoint: the file, when it was already published before a crash (same identity); else null.</summary>
    ValueTask<FileView?> FindPublishedAsync(TaskFiles files, long epoch, PartCheckpoint checkpoint, CancellationToken stop);

    /// <summary>Removes the task's parts, but for those of owners after <paramref name="epoch"/>, and, when asked, its temporary result.</summary>
    ValueTask DiscardAsync(TaskFiles files, long epoch, bool resultToo, CancellationToken stop);

    /// <summary>
    /// Gives the part of a checkpoint a second place, where it stays when the task's files are discarded; idempotent, durable when it returns. Refused when the
    /// part is gone or shorter, when its tenant has kept too much, and where unfinished files are not kept.
    /// </summary>
    ValueTask<KeepOutcome> KeepAsync(TaskFiles files, PartOwner owner, KeptPart kept, CancellationToken stop) =>
        new(KeepOutcome.Refused($"Container {files.Container} is an object store, where unfinished objects are not kept."));

    /// <summary>A fresh part, on a new inode, with the bytes of a kept one, which stays as it is. Refused when that is gone or shorter.</summary>
    ValueTask<KeptCopy> CopyKeptAsync(TaskFiles files, PartOwner owner, KeptPart kept, CancellationToken stop) =>
        new(KeptCopy.Refused($"Container {files.Container} is an object store: a download into it cannot go on from a kept part."));

    /// <summary>Opens what an upload sends; null when there is no such file.</summary>
    ValueTask<IUploadSource?> OpenSourceAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop);
}

/// <summary>An open part. Writes leave the caller's thread through <see cref="IFileWork"/>.</summary>
internal interface IPartFile : IAsyncDisposable
{
    /// <summary>File name in the hidden folder; goes into checkpoints.</summary>
    string Name { get; }

    /// <summary>False in an object store, which shows nothing of an object before it is whole.</summary>
    bool CanRead => true;

    /// <summary>
    /// Whole stretches of this many bytes become durable, and memory is held for each that is begun: several ranges that are written at once should begin
    /// at its multiples. 1 on a disk.
    /// </summary>
    long Grain => 1;

    /// <summary>
    /// Completes when something became durable that nobody finds again who does not know a checkpoint, and of which later ones need none. Null where every
    /// checkpoint can wait for its time.
    /// </summary>
    Task? FirstDurable => null;

    /// <summary>After an adoption: what is durable, which may be more than the checkpoint says. Null: what the checkpoint says.</summary>
    RangeSet? Held => null;

    /// <summary>May be called for several ranges of one part at once.</summary>
    ValueTask WriteAsync(ReadOnlyMemory<byte> chunk, long offset, CancellationToken stop);

    ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop);

    /// <summary>Asks the system to start writing back what was written; never waits for the disk.</summary>
    void StartWriteBack(long offset, long count);

    /// <summary>
    /// Makes <paramref name="written"/>, ranges whose writes have ended, survive a power cut, and says which of them do when this returns.
    /// A failed flush is final for this file.
    /// </summary>
    ValueTask<PartFlush> FlushAsync(RangeSet written, CancellationToken stop);

    /// <summary>What this file is; valid while nothing more is written.</summary>
    ValueTask<FileIdentity> IdentifyAsync(CancellationToken stop);

    /// <summary>
    /// Flush (when <paramref name="flush"/>), set the length, ask the owner once more, rename into place, flush the folder. The part is closed afterwards.
    /// </summary>
    ValueTask<FileView> PublishAsync(long length, string? sha256, bool flush, CancellationToken stop);
}

/// <summary>The file of an upload, opened once.</summary>
internal interface IUploadSource : IAsyncDisposable
{
    long Length { get; }

    /// <summary>Which file it is; the same for as long as it is not replaced or written to, on every node that sees it.</summary>
    FileIdentity Identity { get; }

    /// <summary>Reads without moving a position; asynchronous, off the caller's thread.</summary>
    ValueTask<int> ReadAsync(Memory<byte> into, long offset, CancellationToken stop);

    /// <summary>False when the path names another file now, or this one was written to since it was opened.</summary>
    ValueTask<bool> IsUnchangedAsync(CancellationToken stop);
}

/// <summary>The one port through which blocking file work leaves the logic's thread; the simulator replaces it.</summary>
internal interface IFileWork
{
    ValueTask<TResult> RunAsync<TState, TResult>(Func<TState, TResult> work, TState state);
}

/// <summary>A disk said no.</summary>
internal enum StorageFailure
{
    /// <summary>No room, or a quota.</summary>
    Full = 1,

    /// <summary>Not writable: permissions, read-only file system.</summary>
    Denied = 2,

    /// <summary>The device failed. What was written since the last good flush is lost.</summary>
    Failed = 3,

    /// <summary>The path cannot hold a file: a folder or a link is in the way. Trying again does not help.</summary>
    Blocked = 4,

    /// <summary>The store does not answer, or asks for patience. What was made durable stays; it is worth trying again later.</summary>
    Away = 5,
}

/// <summary>A file operation that the disk refused, with a sentence for the operator.</summary>
internal sealed class StorageException(StorageFailure failure, string message, Exception? inner = null) : IOException(message, inner)
{
    public StorageFailure Failure { get; } = failure;
}

/// <summary>Named moments at which a test may kill the process: <c>publish.write publish.flush publish.rename publish.directoryFlush publish.commit …</c></summary>
internal interface ICrashPoints
{
    /// <summary>Does nothing unless this name was chosen at start.</summary>
    void Reach(string name);
}
