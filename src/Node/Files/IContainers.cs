using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>The places where files live, as clients reach them: staging, reading, removing. Each tenant has a tree of its own in each container.</summary>
internal interface IContainers
{
    bool Exists(ContainerName container);

    /// <summary>
    /// Streams a body into place: flushed and renamed before it answers, so a reader never sees half a file. The condition is asked again right before the rename.
    /// </summary>
    ValueTask<StageResult> StageAsync(
        TenantId tenant, ContainerName container, ContainerPath path, Stream body, long? length, long bytesMax, FileCondition? condition, CancellationToken stop);

    /// <summary>Null when there is no such file. The caller disposes it.</summary>
    ValueTask<StoredFile?> OpenReadAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop);

    /// <summary>The result of a finished download that named no destination; null when it is gone.</summary>
    ValueTask<StoredFile?> OpenResultAsync(SessionKey session, int generation, TaskId task, ContainerName container, CancellationToken stop);

    /// <summary>The part of a download under way, as it lies there; null when it is gone, or when its container has none that can be read.</summary>
    ValueTask<StoredFile?> OpenPartAsync(SessionKey session, int generation, TaskId task, ContainerName container, string part, CancellationToken stop) =>
        new((StoredFile?)null);

    /// <summary>False when there was none. Throws <see cref="FileConditionException"/> when it is not the one that was meant.</summary>
    ValueTask<bool> DeleteAsync(TenantId tenant, ContainerName container, ContainerPath path, FileCondition? condition, CancellationToken stop);

    /// <summary>Renames a file. Null when there is no source, and it was not this move that took it away.</summary>
    ValueTask<StageResult?> MoveAsync(FileMove move, CancellationToken stop);
}

/// <summary>How staging a file ended.</summary>
internal abstract record StageResult
{
    private StageResult()
    {
    }

    internal sealed record Stored(FileView File, bool Created, string ETag) : StageResult;

    internal sealed record Refused(Problem Problem) : StageResult;
}

/// <summary>An open file: what a reader needs for headers, conditions and ranges.</summary>
internal sealed class StoredFile(Stream content, long length, DateTimeOffset modifiedAt, string etag) : IAsyncDisposable
{
    public Stream Content { get; } = content;
    public long Length { get; } = length;
    public DateTimeOffset ModifiedAt { get; } = modifiedAt;

    /// <summary>Strong, quoted.</summary>
    public string ETag { get; } = etag;

    public ValueTask DisposeAsync() => Content.DisposeAsync();
}
