using System.Net;
using System.Text.Json;
using Backhaul.Client.Calls;
using Backhaul.Client.Files;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// The files of the containers, through any node: staging what tasks upload, reading what they downloaded. A <see cref="FileReference"/>
/// without a container means <c>default</c> here.
/// </summary>
public sealed class ContainerFiles
{
    private readonly Caller _caller;

    internal ContainerFiles(Caller caller) => _caller = caller;

    /// <summary>
    /// Stores what <paramref name="content"/> has from its present position on. Replaces a file of that path. After a broken connection it
    /// starts again when the stream can go back; otherwise the failure is the caller's.
    /// </summary>
    public Task<FileView> UploadAsync(FileReference file, Stream content, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(content);
        var start = content.CanSeek ? content.Position : 0;
        var call = new Call(HttpMethod.Put, PathOf(file))
        {
            Repeatable = content.CanSeek,
            Content = limit =>
            {
                if (content.CanSeek)
                    content.Position = start;
                return new StreamedContent(content, content.CanSeek ? content.Length - start : null, limit);
            },
        };
        return _caller.RunAsync(call, Caller.ReadAs(ProtocolJson.Default.FileView), stop);
    }

    /// <summary>Stores a file of this machine.</summary>
    public async Task<FileView> UploadFileAsync(FileReference file, string localPath, CancellationToken stop = default)
    {
        var content = new FileStream(localPath, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.Asynchronous | FileOptions.SequentialScan);
        await using (content)
            return await UploadAsync(file, content, stop);
    }

    /// <summary>
    /// Copies a file, or a part of it, into <paramref name="destination"/>. After a broken connection it goes on where it was, as long as the
    /// file is the same; when it has changed meanwhile, it starts again if the stream can go back, and fails with <c>fileChanged</c> otherwise.
    /// </summary>
    public Task<FileHead> DownloadAsync(FileReference file, Stream destination, ByteRange? range = null, CancellationToken stop = default) =>
        new FileDownload(_caller, PathOf(file), destination, range).RunAsync(stop);

    /// <summary>Length and validator of a file; null when there is none.</summary>
    public async Task<FileHead?> HeadAsync(FileReference file, CancellationToken stop = default)
    {
        try
        {
            return await _caller.RunAsync(
                new Call(HttpMethod.Head, PathOf(file)), (response, _) => Task.FromResult(FileHead.Of(response) ?? throw Caller.Unexpected(response)), stop);
        }
        catch (BackhaulException missing) when (missing.Status == (int)HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>
    /// Moves a file to another path, or to another container of the same store. A repetition after a lost answer finds what the first attempt did.
    /// </summary>
    public async Task<FileView> MoveAsync(FileReference file, FileReference destination, bool overwrite = true, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var head = await HeadAsync(file, stop);
        return await MoveAsync(PathOf(file), new FileMoveRequest { Destination = destination, Overwrite = overwrite ? null : false }, head?.ETag, stop);
    }

    /// <summary>
    /// Moves the temporary file of a download to where it stays, before the event that announced it is acknowledged: <paramref name="file"/> is that of
    /// the event or of the task.
    /// </summary>
    public Task<FileView> KeepAsync(SessionIdentifier session, FileView file, FileReference destination, bool overwrite = true, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(destination);
        var request = new FileMoveRequest { Destination = destination, Session = session.ToString(), Overwrite = overwrite ? null : false };
        return MoveAsync($"v1/files/{file.Container}/{file.Path}", request, null, stop);
    }

    private Task<FileView> MoveAsync(string path, FileMoveRequest request, string? etag, CancellationToken stop)
    {
        var call = new Call(HttpMethod.Post, $"{path}/move")
        {
            Intent = _caller.NewIntent(),
            Body = JsonSerializer.SerializeToUtf8Bytes(request, ProtocolJson.Default.FileMoveRequest),
            Prepare = etag is null ? null : sent => sent.Headers.Add("If-Match", etag),
        };
        return _caller.RunAsync(call, Caller.ReadAs(ProtocolJson.Default.FileView), stop);
    }

    /// <summary>Removes a file. False when there was none (any more: an attempt whose answer was lost may have removed it).</summary>
    public async Task<bool> DeleteAsync(FileReference file, CommandId? intent = null, CancellationToken stop = default)
    {
        try
        {
            var call = new Call(HttpMethod.Delete, PathOf(file)) { Intent = intent ?? _caller.NewIntent() };
            return await _caller.RunAsync(call, static (_, _) => Task.FromResult(true), stop);
        }
        catch (BackhaulException missing) when (missing.Code == ProblemCodes.FileNotFound)
        {
            return false;
        }
    }

    private static string PathOf(FileReference file)
    {
        ArgumentNullException.ThrowIfNull(file);
        var segments = file.Path.ToString().Split('/').Select(Uri.EscapeDataString);
        return $"v1/files/{file.Container ?? ContainerName.Default}/{string.Join('/', segments)}";
    }
}
