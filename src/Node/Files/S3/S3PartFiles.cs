using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// The files of running transfers in buckets: multipart uploads that <see cref="S3PartFile"/> feeds and <see cref="UploadNotes"/> make known to whoever comes
/// after this node. What is so short that it comes in one piece is put at once.
/// </summary>
internal sealed class S3PartFiles(S3Containers containers, ICrashPoints crashPoints) : IPartFiles
{
    private int _births;

    public ValueTask<IPartFile> CreateAsync(TaskFiles files, PartOwner owner, long? length, long? expected, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        owner.Check();
        if (length > PartPlan.ObjectBytesMax)
            throw new StorageException(StorageFailure.Blocked, $"The file has {length} bytes, and an object has at most {PartPlan.ObjectBytesMax}.");
        var name = new PartName(owner.Epoch, Interlocked.Increment(ref _births), owner.Epoch, owner.Attempt);
        return new(new S3PartFile(containers.Get(files.Container), crashPoints, files, owner, name, length, adopted: null));
    }

    public async ValueTask<IPartFile?> AdoptAsync(TaskFiles files, PartOwner owner, PartCheckpoint checkpoint, CancellationToken stop)
    {
        if (checkpoint.Object is not { } upload || !PartName.TryParse(checkpoint.Part, out var known) || upload.PartBytes <= 0)
            return null;
        var container = containers.Get(files.Container);
        var notes = new UploadNotes(container, files);
        var present = await notes.ListAsync(stop);
        notes.RefuseNewer(present, owner.Epoch);
        var own = known with { Epoch = owner.Epoch, Attempt = owner.Attempt };
        await notes.WriteAsync(own, upload.UploadId, owner, stop);
        crashPoints.Reach("adopt.rename");
        foreach (var note in present.Where(note => note.IsSameBirth(known) && note != own))
            await notes.RemoveAsync(note, stop);
        var parts = await VerifyAsync(container, files, upload, checkpoint, stop);
        return parts is null ? null : new S3PartFile(container, crashPoints, files, owner, own, checkpoint.Total, upload with { Parts = parts });
    }

    public async ValueTask<FileView> PublishWholeAsync(
        TaskFiles files, PartOwner owner, ReadOnlyMemory<byte> content, string? sha256, bool flush, CancellationToken stop)
    {
        var container = containers.Get(files.Container);
        crashPoints.Reach("publish.write");
        using var reply = await container.Client.PutAsync(container.Key(Place.Of(files)), content, birth: null, stop, owner: owner);
        container.Check(reply, "write a file");
        crashPoints.Reach("publish.rename");
        return Place.View(files, content.Length, sha256);
    }

    public async ValueTask<FileView?> FindPublishedAsync(TaskFiles files, long epoch, PartCheckpoint checkpoint, CancellationToken stop)
    {
        if (checkpoint is not { Complete: true, Identity: { } identity })
            return null;
        var container = containers.Get(files.Container);
        var found = await container.FindAsync(container.Key(Place.Of(files)), "look for a file", stop);
        if (found is null || !S3Identity.IsHex(found.Birth) || S3Identity.Of(found.Birth!, found.Length) != identity)
            return null;
        await new UploadNotes(container, files).ForgetAsync(epoch, stop);
        return Place.View(files, found.Length, checkpoint.Sha256);
    }

    public async ValueTask DiscardAsync(TaskFiles files, long epoch, bool resultToo, CancellationToken stop)
    {
        var container = containers.Get(files.Container);
        var notes = new UploadNotes(container, files);
        await notes.AbandonAsync(await notes.ListAsync(stop), epoch, stop);
        if (!resultToo)
            return;
        using var reply = await container.Client.DeleteAsync(container.Key(Place.OfResult(files.Session, files.Generation, files.Task)), etag: null, stop);
        if (!reply.IsMissing)
            container.Check(reply, "remove a result");
    }

    public async ValueTask<IUploadSource?> OpenSourceAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop)
    {
        var target = containers.Get(container);
        var key = target.Key(Place.Of(tenant, path));
        return await target.FindAsync(key, "open a file to send", stop) is { } found ? new S3UploadSource(target, key, found) : null;
    }

    /// <summary>Whether the object at a key is the one of this birth, whole.</summary>
    public static async ValueTask<bool> IsPublishedAsync(S3Container container, string key, string birth, long length, CancellationToken stop) =>
        await container.FindAsync(key, "look for a file", stop) is { } found && found.Birth == birth && found.Length == length;

    /// <summary>
    /// The parts of an adopted upload as the store has them now: those of the checkpoint, which must all be there, and those that were finished after it. Null
    /// when the upload is gone or lost a part.
    /// </summary>
    private static async ValueTask<List<ObjectPart>?> VerifyAsync(
        S3Container container, TaskFiles files, ObjectUpload upload, PartCheckpoint checkpoint, CancellationToken stop)
    {
        var (reply, there) = await container.Client.ListPartsAsync(container.Key(Place.Of(files)), upload.UploadId, stop);
        using (reply)
        {
            if (reply.IsNoSuchUpload || reply.IsMissing)
                return null;
            if (reply.IsUnsupported)
                return [.. upload.Parts];
            container.Check(reply, "list the parts of a file");
        }
        var plan = new PartPlan(upload.PartBytes, upload.Grows);
        var length = upload.Length ?? checkpoint.Total;
        var whole = there.Where(part => part.Bytes == Cut(plan.RangeOf(part.Number)).Length).ToDictionary(part => part.Number);
        return upload.Parts.Any(part => !whole.ContainsKey(part.Number)) ? null : [.. whole.Values.Select(part => new ObjectPart(part.Number, part.ETag))];

        ByteRange Cut(ByteRange range) => length is { } end ? range.Intersect(new ByteRange(0, end)) : range;
    }
}
