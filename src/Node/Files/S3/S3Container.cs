using Backhaul.Node.Egress;
using Backhaul.Protocol;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// One container in a bucket: under its prefix <c>{tenant}/…</c>, the tree that clients see, and beside it
/// <code>
/// .backhaul/results/{stem}             finished downloads that named no destination
/// .backhaul/uploads/{stem}/{part}      a note for each multipart upload of a task: which epoch owns it, and its upload id
/// </code>
/// Invariants: an object appears whole or not at all, since a PUT and the end of a multipart upload are atomic; nothing is written without trust; what
/// the store refuses ends as a <see cref="StorageException"/>.
/// </summary>
internal sealed class S3Container(ContainerName name, S3Client client, string prefix, ContainerOptions options, ConfiguredEndpoint endpoint) : IDisposable
{
    private const string Uploads = HiddenNames.Hidden + "/uploads";

    public ContainerName Name => name;

    public S3Client Client => client;

    private string? AccessKey => options.AccessKey;

    public long PartBytes => options.PartBytes;

    public int PartsInFlight => options.PartsInFlight;

    public string Key(Place place) => $"{prefix}{place.Folder}/{place.Name}";

    /// <summary>The key under which notes of a task's uploads lie.</summary>
    public string NotesOf(string stem) => $"{prefix}{Uploads}/{stem}/";

    /// <summary>Good, or a <see cref="StorageException"/> that says what was refused.</summary>
    public void Check(S3Reply reply, string act)
    {
        if (!reply.IsGood)
            throw S3Errors.Exception(reply, this, act);
    }

    /// <summary>What the store says of an object; null when there is none.</summary>
    public async ValueTask<S3Found?> FindAsync(string key, string act, CancellationToken stop)
    {
        using var reply = await client.HeadAsync(key, stop);
        if (reply.IsMissing)
            return null;
        Check(reply, act);
        return new S3Found(reply.Length ?? 0, reply.ETag ?? "", reply.Modified ?? DateTimeOffset.UnixEpoch, reply.Header(S3Client.BirthHeader));
    }

    /// <summary>
    /// Removes an object, or only that version of it with a tag; false when another one is there. The store is asked to hold the condition itself. One
    /// that ignores it, or refuses it as unknown, leaves the moment between a look and the removal.
    /// </summary>
    public async ValueTask<bool> DeleteAsync(string key, string? etag, CancellationToken stop)
    {
        if (etag is not null && await FindAsync(key, "look at a file to delete", stop) is { } now && now.ETag != etag)
            return false;
        using var reply = await client.DeleteAsync(key, etag, stop);
        if (etag is not null && reply.IsUnsupported)
            return await DeleteAsync(key, etag: null, stop);
        if (etag is not null && reply.IsConditionFailed)
            return false;
        if (!reply.IsMissing)
            Check(reply, "delete a file");
        return true;
    }

    /// <summary>The store can copy from here to there by itself: same endpoint, same key.</summary>
    public bool CanCopyTo(S3Container other) =>
        client.Bucket.Endpoint == other.Client.Bucket.Endpoint && options.AccessKey == other.AccessKey;

    public void Dispose() => endpoint.Dispose();
}

/// <summary>An object as it was found.</summary>
internal sealed record S3Found(long Length, string ETag, DateTimeOffset Modified, string? Birth);
