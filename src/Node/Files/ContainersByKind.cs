using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>All containers of the node; each call goes to the kind that has the container it names.</summary>
internal sealed class ContainersByKind(ContainerKinds kinds) : IContainers
{
    public bool Exists(ContainerName container) => kinds.Exists(container);

    public async ValueTask<StageResult> StageAsync(
        TenantId tenant, ContainerName container, ContainerPath path, Stream body, long? length, long bytesMax, FileCondition? condition, CancellationToken stop) =>
        await kinds.Of(container).Containers.StageAsync(tenant, container, path, body, length, bytesMax, condition, stop);

    public async ValueTask<StoredFile?> OpenReadAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop) =>
        await kinds.Of(container).Containers.OpenReadAsync(tenant, container, path, stop);

    public async ValueTask<StoredFile?> OpenResultAsync(SessionKey session, int generation, TaskId task, ContainerName container, CancellationToken stop) =>
        await kinds.Of(container).Containers.OpenResultAsync(session, generation, task, container, stop);

    public async ValueTask<StoredFile?> OpenPartAsync(
        SessionKey session, int generation, TaskId task, ContainerName container, string part, CancellationToken stop) =>
        await kinds.Of(container).Containers.OpenPartAsync(session, generation, task, container, part, stop);

    public async ValueTask<bool> DeleteAsync(TenantId tenant, ContainerName container, ContainerPath path, FileCondition? condition, CancellationToken stop) =>
        await kinds.Of(container).Containers.DeleteAsync(tenant, container, path, condition, stop);

    public async ValueTask<StageResult?> MoveAsync(FileMove move, CancellationToken stop)
    {
        var (from, to) = (kinds.Of(move.From).Containers, kinds.Of(move.To).Containers);
        return from == to ? await from.MoveAsync(move, stop) : new StageResult.Refused(StorageProblems.OtherStore(move));
    }
}
