using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Backhaul.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// The folder of a tenant's uploads in a container, <c>.backhaul/uploads/{tenant}</c>, with two files for each: <c>{id}.bytes</c>, what came so far,
/// locked by whoever appends, and <c>{id}.state</c>, replaced by a rename whenever the flushed offset moves. A complete upload has no bytes any more: they were
/// renamed into place. Its state stays for a while for clients that lost the last answer. All methods block.
/// </summary>
internal sealed class UploadFolder(DiskContainer container, TenantId tenant, SafeFileHandle folder) : IDisposable
{
    public const string Root = HiddenNames.Hidden + "/uploads";
    public const string BytesSuffix = ".bytes";
    public const string StateSuffix = ".state";
    public const string DraftSuffix = ".new";

    private const int StateBytesMax = 64 * 1024;
    private static long _drafts;

    public DiskContainer Container => container;

    public SafeFileHandle Handle => folder;

    public static string PathOf(TenantId tenant) => $"{Root}/{HiddenNames.TenantFolder(tenant)}";

    /// <summary>Null when the tenant never had an upload here.</summary>
    public static UploadFolder? Find(DiskContainer container, TenantId tenant) =>
        container.OpenFolder(PathOf(tenant), "look for an upload") is { } folder ? new UploadFolder(container, tenant, folder) : null;

    public static UploadFolder Make(DiskContainer container, TenantId tenant) => new(container, tenant, container.OpenOrMake(PathOf(tenant)));

    public static string NameOf(Guid id) => id.ToString("N", CultureInfo.InvariantCulture);

    /// <summary>Uploads that are not complete.</summary>
    public int CountOpen()
    {
        var names = new List<string>();
        container.Check(container.Calls.List(folder, names), "count uploads");
        return names.Count(name => name.EndsWith(BytesSuffix, StringComparison.Ordinal));
    }

    /// <summary>Null when there is none; a state that cannot be read is a failure of the disk.</summary>
    public UploadState? ReadState(Guid id) => TryReadState(container, folder, NameOf(id));

    public static UploadState? TryReadState(DiskContainer container, SafeFileHandle folder, string id)
    {
        var errno = container.Calls.OpenFile(folder, id + StateSuffix, FileUse.Read, out var file);
        if (errno == Errno.NotFound)
            return null;
        container.Check(errno, "read an upload's state");
        using (file)
        {
            var bytes = new byte[StateBytesMax];
            container.Check(container.Calls.Read(file, bytes, 0, out var count), "read an upload's state");
            try
            {
                return JsonSerializer.Deserialize(bytes.AsSpan(0, count), UploadJson.Default.UploadState) is { Format: UploadState.FormatNewest } state
                    ? state
                    : throw new JsonException("another format");
            }
            catch (JsonException damaged)
            {
                throw new StorageException(StorageFailure.Failed, $"The state of an upload in container {container.Name} cannot be read. End it, and begin anew.", damaged);
            }
        }
    }

    /// <summary>Durable when it returns: the bytes that the offset counts were flushed by the caller before.</summary>
    public void WriteState(Guid id, UploadState state)
    {
        var draft = string.Create(CultureInfo.InvariantCulture, $"{NameOf(id)}.{Environment.ProcessId}-{Interlocked.Increment(ref _drafts)}{DraftSuffix}");
        container.Check(container.Calls.OpenFile(folder, draft, FileUse.CreateNew, out var file), "write an upload's state");
        using (file)
        {
            try
            {
                container.Check(container.Calls.Write(file, JsonSerializer.SerializeToUtf8Bytes(state, UploadJson.Default.UploadState), 0), "write an upload's state");
                container.Check(container.Calls.FlushData(file), "write an upload's state");
                container.Check(container.Calls.Rename(folder, draft, folder, NameOf(id) + StateSuffix), "write an upload's state");
            }
            catch (StorageException)
            {
                _ = container.Calls.Unlink(folder, draft);
                throw;
            }
        }
        Flush();
    }

    /// <summary>The bytes, locked against every other request of every node. Null without bytes; <paramref name="isBusy"/> when somebody holds them.</summary>
    public SafeFileHandle? OpenBytes(Guid id, out bool isBusy)
    {
        isBusy = false;
        var errno = container.Calls.OpenFile(folder, NameOf(id) + BytesSuffix, FileUse.ReadWrite, out var file);
        if (errno == Errno.NotFound)
            return null;
        container.Check(errno, "open an upload");
        errno = container.Calls.TryLock(file);
        if (errno == 0)
            return file;
        file.Dispose();
        isBusy = errno == Errno.WouldBlock;
        if (!isBusy)
            container.Check(errno, "lock an upload");
        return null;
    }

    public void CreateBytes(Guid id)
    {
        container.Check(container.Calls.OpenFile(folder, NameOf(id) + BytesSuffix, FileUse.CreateNew, out var file), "create an upload");
        file.Dispose();
    }

    /// <summary>
    /// State first, for good: a state that counts all bytes and has none beside it says that they are in place. Bytes without a state say nothing to anybody,
    /// and are swept.
    /// </summary>
    public void Remove(Guid id)
    {
        foreach (var suffix in (string[])[StateSuffix, BytesSuffix])
        {
            var errno = container.Calls.Unlink(folder, NameOf(id) + suffix);
            if (errno != Errno.NotFound)
                container.Check(errno, "remove an upload");
            Flush();
            container.Reach("upload.terminate");
        }
    }

    public void Flush() => container.FlushFolder(PathOf(tenant), folder);

    public void Dispose() => folder.Dispose();
}

/// <summary>What is kept of an upload. Persisted: fields are added, never changed.</summary>
internal sealed record UploadState
{
    public const int FormatNewest = 1;

    public int Format { get; init; } = FormatNewest;
    public required string Path { get; init; }

    /// <summary>Flushed bytes.</summary>
    public required long Offset { get; init; }
    public long? Length { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public string? Note { get; init; }

    /// <summary>The file is in place.</summary>
    public bool IsComplete { get; init; }
    public string? ETag { get; init; }

    /// <summary>Nothing lay at the path before.</summary>
    public bool Created { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UploadState))]
internal sealed partial class UploadJson : JsonSerializerContext;
