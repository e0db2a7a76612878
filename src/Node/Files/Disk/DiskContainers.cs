using System.Buffers;
using System.Globalization;
using Backhaul.Node.Actors;
using Backhaul.Protocol;
using Microsoft.Extensions.Options;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// The containers of kind disk, as clients reach them. Opened at start, before anything can ask for a file; closed after the last
/// transfer ended. A body streams into a staging file and appears under its name in one rename, after its flush.
/// </summary>
internal sealed partial class DiskContainers : IContainers, IDisposable
{
    private const int BufferMax = 1 << 20;
    private const int BufferMin = 4096;

    /// <summary>Longer than any upload goes without a byte, and than clocks of machines and of their file server differ.</summary>
    internal static readonly TimeSpan SharedStagingAge = TimeSpan.FromDays(1);

    private readonly Dictionary<ContainerName, DiskContainer> _containers = [];
    private readonly PathLocks _paths = new();
    private readonly IFileWork _work;

    private DiskContainers(IFileWork work) => _work = work;

    /// <summary>Opens all of them, or throws <see cref="OptionsValidationException"/> with a sentence for the first that cannot be used.</summary>
    public static DiskContainers Open(
        ContainerTable table, IFileWork work, IDiskCalls calls, ICrashPoints crashPoints, IIdSource ids, TimeProvider time,
        ILogger<DiskContainers> logger)
    {
        if (!LinuxLibc.IsSupported)
            throw new OptionsValidationException("Backhaul:Containers", typeof(ContainerOptions), ["Disk containers need Linux on x64 or arm64."]);
        var opened = new DiskContainers(work);
        foreach (var (name, options) in table.Containers.Where(pair => pair.Value.Kind == ContainerKinds.Disk))
        {
            var process = ids.Next().ToString("N");
            var folders = DiskFolders.Open(name, options.Path!, calls, process, options.Shared ? time.GetUtcNow() - SharedStagingAge : null);
            opened._containers.Add(name, new DiskContainer(name, folders, process, calls, crashPoints, opened._paths));
            LogOpened(logger, name, options.Path!, folders.Swept);
        }
        return opened;
    }

    public bool Exists(ContainerName container) => _containers.ContainsKey(container);

    public IReadOnlyList<ContainerName> Names => [.. _containers.Keys.OrderBy(name => name.ToString(), StringComparer.Ordinal)];

    /// <summary>For the parts of transfers, which live in the same folders.</summary>
    public DiskContainer Get(ContainerName container) => _containers.TryGetValue(container, out var found)
        ? found
        : throw new StorageException(StorageFailure.Denied, $"The container {container} is not configured on this node. Configure it by Backhaul:Containers:{container}:Path.");

    public async ValueTask<StageResult> StageAsync(
        TenantId tenant, ContainerName container, ContainerPath path, Stream body, long? length, long bytesMax, FileCondition? condition, CancellationToken stop)
    {
        if (length > bytesMax)
            return StageRefusals.TooLarge(bytesMax);
        try
        {
            var target = Get(container);
            var staged = await _work.RunAsync(static s => s.target.Stage(s.length), (target, length));
            try
            {
                var (total, refused) = await ReceiveAsync(staged, body, length, bytesMax, stop);
                if (refused is not null)
                    return refused;
                var (isNew, status) = await _work.RunAsync(
                    static s => (s.staged.Publish(s.place, flush: true, "stage", owner: null, s.condition), s.staged.Status()),
                    (staged, place: Place.Of(tenant, path), condition));
                var view = new FileView { Container = container.ToString(), Path = path.ToString(), Length = total };
                return new StageResult.Stored(view, isNew, ETagOf(status));
            }
            finally
            {
                await _work.RunAsync(static staged => staged.Close(), staged);
            }
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

    public async ValueTask<StoredFile?> OpenReadAsync(TenantId tenant, ContainerName container, ContainerPath path, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return await OpenAsync(Get(container), Place.Of(tenant, path));
    }

    public async ValueTask<StoredFile?> OpenResultAsync(SessionKey session, int generation, TaskId task, ContainerName container, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return await OpenAsync(Get(container), Place.OfResult(session, generation, task));
    }

    public ValueTask<StoredFile?> OpenPartAsync(SessionKey session, int generation, TaskId task, ContainerName container, string part, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return _work.RunAsync(
            static s => DiskPartFiles.OpenToRead(s.container, HiddenNames.Stem(s.session, s.generation, s.task), s.part) is { } opened
                ? new StoredFile(
                    new DiskReadStream(opened.File, opened.Status.Length, s.container, s.work),
                    opened.Status.Length,
                    DateTimeOffset.UnixEpoch.AddTicks(opened.Status.ModifiedNs / 100),
                    string.Create(CultureInfo.InvariantCulture, $"\"part-{opened.Status.Inode:x}\""))
                : null,
            (container: Get(container), session, generation, task, part, work: _work));
    }

    public ValueTask<bool> DeleteAsync(TenantId tenant, ContainerName container, ContainerPath path, FileCondition? condition, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        return _work.RunAsync(static s => s.target.Delete(s.place, s.condition), (target: Get(container), place: Place.Of(tenant, path), condition));
    }

    public async ValueTask<StageResult?> MoveAsync(FileMove move, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        try
        {
            var from = move.Result is var (session, generation, task) ? Place.OfResult(session, generation, task) : Place.Of(move.Tenant, move.Path!.Value);
            var moved = await _work.RunAsync(
                static s => s.source.MoveTo(s.target, s.from, s.to, s.move.Condition, s.move.Replaces),
                (source: Get(move.From), target: Get(move.To), from, to: Place.Of(move.Tenant, move.ToPath), move));
            if (moved is not var (status, isNew))
                return null;
            var view = new FileView { Container = move.To.ToString(), Path = move.ToPath.ToString(), Length = status.Length };
            return new StageResult.Stored(view, isNew, ETagOf(status));
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

    /// <summary>Strong: an inode that got other bytes has another time or length, and a replaced file another inode.</summary>
    internal static string ETagOf(FileStatus status) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{status.Inode:x}-{status.ModifiedNs:x}-{status.Length:x}\"");

    internal static DateTimeOffset TimeOf(FileStatus status) => DateTimeOffset.UnixEpoch.AddTicks(status.ModifiedNs / 100);

    /// <summary>The body into the staging file, the next buffer filling while the last one is written.</summary>
    private async ValueTask<(long Total, StageResult.Refused? Refused)> ReceiveAsync(
        StagedFile staged, Stream body, long? length, long bytesMax, CancellationToken stop)
    {
        var size = (int)Math.Clamp(length ?? BufferMax, BufferMin, BufferMax);
        var filling = ArrayPool<byte>.Shared.Rent(size);
        var writing = ArrayPool<byte>.Shared.Rent(size);
        var written = Task.CompletedTask;
        try
        {
            long total = 0;
            while (true)
            {
                var count = await body.ReadAtLeastAsync(filling, size, throwOnEndOfStream: false, stop);
                await written;
                if (count == 0)
                    break;
                if (total + count > bytesMax)
                    return (total, StageRefusals.TooLarge(bytesMax));
                written = WriteAsync(staged, filling.AsMemory(0, count), total);
                total += count;
                (filling, writing) = (writing, filling);
            }
            return length is { } promised && promised != total ? (total, StageRefusals.Incomplete(promised, total)) : (total, null);
        }
        finally
        {
            // The buffers and the file may go only when no thread writes from them any more.
            await Task.WhenAny(written);
            _ = written.Exception; // seen: where it matters it was thrown above, and else something worse was
            ArrayPool<byte>.Shared.Return(filling);
            ArrayPool<byte>.Shared.Return(writing);
        }
    }

    private async Task WriteAsync(StagedFile staged, ReadOnlyMemory<byte> bytes, long offset) =>
        await _work.RunAsync(
            static s =>
            {
                s.staged.Write(s.bytes.Span, s.offset);
                return true;
            },
            (staged, bytes, offset));

    private ValueTask<StoredFile?> OpenAsync(DiskContainer container, Place place) => _work.RunAsync(
        static s => s.container.OpenRead(s.place) is { } opened
            ? new StoredFile(
                new DiskReadStream(opened.File, opened.Status.Length, s.container, s.work),
                opened.Status.Length,
                TimeOf(opened.Status),
                ETagOf(opened.Status))
            : null,
        (container, place, work: _work));

    [LoggerMessage(6001, LogLevel.Information, "Container {Container} lies in {Path}; {Swept} unfinished files of processes before this one were removed.")]
    private static partial void LogOpened(ILogger logger, ContainerName container, string path, int swept);
}
