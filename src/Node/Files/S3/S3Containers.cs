using Backhaul.Node.Actors;
using Backhaul.Node.Egress;
using Backhaul.Protocol;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// The containers of kind s3, as clients reach them. Nothing is asked of a store at start: a node whose store is away starts, serves what it can, and says
/// so when a file is wanted. A body of up to one part is put at once; a longer one goes as a multipart upload, one part being sent while the next is received.
/// </summary>
internal sealed class S3Containers : IContainers, IDisposable
{
    private readonly Dictionary<ContainerName, S3Container> _containers = [];
    private readonly IIdSource _ids;

    public S3Containers(ContainerTable table, OutboundClients clients, TimeProvider time, IRandom random, IIdSource ids, S3Patience? patience = null)
    {
        _ids = ids;
        foreach (var (name, options) in table.Containers.Where(pair => pair.Value.Kind == ContainerKinds.S3))
        {
            var bucket = options.ToBucket();
            var endpoint = clients.Open(bucket.Endpoint, bucket.PathStyle ? null : $"{bucket.Name}.{bucket.Endpoint.IdnHost}");
            var client = new S3Client(bucket, new S3Credentials(options.AccessKey!, options.SecretKey!), endpoint.SendAsync, patience ?? new S3Patience(), time, random);
            _containers.Add(name, new S3Container(name, client, options.Prefix ?? "", options, endpoint));
        }
    }

    public bool Exists(ContainerName container) => _containers.ContainsKey(container);

    public S3Container Get(ContainerName container) => _containers.TryGetValue(container, out var found)
        ? found
        : throw new StorageException(StorageFailure.Denied, $"The container {container} is not configured on this node.");

    public async ValueTask<StageResult> StageAsync(
        TenantId tenant, ContainerName container, ContainerPath path, Stream body, long? length, long bytesMax, FileCondition? condition, CancellationToken stop)
    {
        if (length > bytesMax)
            return StageRefusals.TooLarge(bytesMax);
        try
        {
            var target = Get(container);
            var key = target.Key(Place.Of(tenant, path));
            await using var staging = new S3Staging(target, key, _ids.Next().ToString("N"), length);
            var (total, refused) = await staging.ReceiveAsync(body, length, bytesMax, stop);
            if (refused is not null)
                return refused;
            var present = await target.FindAsync(key, "look for a file", stop);
            Require(condition, present);
            var etag = await staging.FinishAsync(condition, present, stop);
            return new StageResult.Stored(new FileView { Container = container.ToString(), Path = path.ToString(), Length = total }, present is null, etag);
        }
        catch (StorageException refused)
        {
            return new StageResult.Refused(StorageProblems.Of(refused));
        }
        catch (FileConditionException)
        {
            return new StageResult.Refused(StorageProblems.ConditionFailed());
        }
    }

    public ValueTask<StoredFile?> OpenReadAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop) =>
        OpenAsync(Get(container), Place.Of(tenant, path), stop);

    public ValueTask<StoredFile?> OpenResultAsync(SessionKey session, int generation, TaskId task, ContainerName container, CancellationToken stop) =>
        OpenAsync(Get(container), Place.OfResult(session, generation, task), stop);

    public async ValueTask<bool> DeleteAsync(
        TenantId tenant, ContainerName container, ContainerPath path, FileCondition? condition, CancellationToken stop)
    {
        var target = Get(container);
        var key = target.Key(Place.Of(tenant, path));
        var present = await target.FindAsync(key, "look for a file", stop);
        if (present is null)
            return false;
        Require(condition, present);
        if (!await target.DeleteAsync(key, condition is null ? null : present.ETag, stop))
            throw new FileConditionException();
        return true;
    }

    public async ValueTask<StageResult?> MoveAsync(FileMove move, CancellationToken stop)
    {
        var (source, target) = (Get(move.From), Get(move.To));
        if (!source.CanCopyTo(target))
            return new StageResult.Refused(StorageProblems.OtherStore(move));
        try
        {
            var from = source.Key(move.Result is var (session, generation, task) ? Place.OfResult(session, generation, task) : Place.Of(move.Tenant, move.Path!.Value));
            var to = target.Key(Place.Of(move.Tenant, move.ToPath));
            if (await source.FindAsync(from, "look for a file", stop) is not { } found)
                return null;
            Require(move.Condition, found);
            var present = from == to ? found : await target.FindAsync(to, "look for a file", stop);
            if (present is not null && !move.Replaces)
                throw new FileConditionException();
            var etag = from == to ? found.ETag : await S3Copy.MoveAsync(source, from, found, target, to, stop);
            var view = new FileView { Container = move.To.ToString(), Path = move.ToPath.ToString(), Length = found.Length };
            return new StageResult.Stored(view, present is null, etag);
        }
        catch (StorageException refused)
        {
            return new StageResult.Refused(StorageProblems.Of(refused));
        }
        catch (FileConditionException)
        {
            return new StageResult.Refused(StorageProblems.ConditionFailed());
        }
    }

    public void Dispose()
    {
        foreach (var container in _containers.Values)
            container.Dispose();
    }

    private static void Require(FileCondition? condition, S3Found? present)
    {
        if (condition is not null && !condition.Holds(present?.ETag, present?.Modified))
            throw new FileConditionException();
    }

    private static async ValueTask<StoredFile?> OpenAsync(S3Container container, Place place, CancellationToken stop)
    {
        var key = container.Key(place);
        return await container.FindAsync(key, "read a file", stop) is { } found
            ? new StoredFile(new S3ReadStream(container, key, found.ETag, found.Length), found.Length, found.Modified, found.ETag)
            : null;
    }
}
