using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Uploads.Multipart;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>Opens what an upload sends: one file, or the files of all parts, each once.</summary>
internal static class UploadSources
{
    /// <summary>Null and the file that is missing.</summary>
    public static async ValueTask<(OpenedSource? Opened, FileReference? Missing)> OpenAsync(AttemptOrder order, IPartFiles files, CancellationToken stop)
    {
        if (order.Parts is { } parts)
            return await OpenPartsAsync(order, parts, files, stop);
        if (order.Source is not { } reference)
            return (null, null);
        var source = await OpenFileAsync(order, reference, files, stop);
        return source is null ? (null, reference) : (new OpenedSource(source, null), null);
    }

    private static ValueTask<IUploadSource?> OpenFileAsync(AttemptOrder order, FileReference reference, IPartFiles files, CancellationToken stop) =>
        files.OpenSourceAsync(order.Files.Session.Tenant, reference.Container ?? order.Files.Container, reference.Path, stop);

    private static async ValueTask<(OpenedSource? Opened, FileReference? Missing)> OpenPartsAsync(
        AttemptOrder order, IReadOnlyList<ContentPart> parts, IPartFiles files, CancellationToken stop)
    {
        var sources = new IUploadSource?[parts.Count];
        var kept = false;
        try
        {
            for (var i = 0; i < parts.Count; i++)
            {
                if (parts[i].Source is not { } reference)
                    continue;
                sources[i] = await OpenFileAsync(order, reference, files, stop);
                if (sources[i] is null)
                    return (null, reference);
            }
            var layout = MultipartLayout.Create(order.Files, parts, order.Multipart, [.. sources.Select(source => source?.Identity)]);
            kept = true;
            return (new OpenedSource(new MultipartSource(layout, sources), layout.ContentType), null);
        }
        finally
        {
            if (!kept)
            {
                foreach (var source in sources)
                    await (source?.DisposeAsync() ?? default);
            }
        }
    }
}
