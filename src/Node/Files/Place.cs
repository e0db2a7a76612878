using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>Where a file lies under a container's root: its folder's path and its name there.</summary>
internal readonly record struct Place(string Folder, string Name)
{
    public static Place Of(TenantId tenant, ContainerPath path)
    {
        var text = path.ToString();
        var slash = text.LastIndexOf('/');
        var folder = HiddenNames.TenantFolder(tenant);
        return slash < 0 ? new Place(folder, text) : new Place($"{folder}/{text[..slash]}", text[(slash + 1)..]);
    }

    public static Place OfResult(SessionKey session, int generation, TaskId task) =>
        new(ResultPath.Folder, HiddenNames.Stem(session, generation, task));

    public static Place Of(TaskFiles files) => files.Destination is { } path
        ? Of(files.Session.Tenant, path)
        : OfResult(files.Session, files.Generation, files.Task);

    /// <summary>How views name it: a client's path as the client gave it, a temporary result by its hidden path.</summary>
    public static FileView View(TaskFiles files, long length, string? sha256, string? etag = null) => new()
    {
        Container = files.Container.ToString(),
        Path = files.Destination?.ToString() ?? ResultPath.Of(HiddenNames.Stem(files.Session, files.Generation, files.Task)),
        Length = length,
        Sha256 = sha256,
        ETag = etag,
    };
}
