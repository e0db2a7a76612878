using System.Globalization;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>
/// How views name a finished download that has no destination: <c>.backhaul/results/{stem}</c>, where the stem is made of the session's
/// hash, its generation and the task. No client's path can begin so; the file is read as the task's content.
/// </summary>
internal static class ResultPath
{
    public const string Folder = ".backhaul/results";

    private const int HashLength = 24;

    public static string Of(string stem) => $"{Folder}/{stem}";

    /// <summary>False for the path of a destination.</summary>
    public static bool TryParseGeneration(string path, out int generation)
    {
        generation = 0;
        if (!path.StartsWith(Folder + "/", StringComparison.Ordinal))
            return false;
        var stem = path.AsSpan(Folder.Length + 1);
        if (stem.Length < HashLength + 4 || !stem[HashLength..].StartsWith(".g", StringComparison.Ordinal))
            return false;
        var rest = stem[(HashLength + 2)..];
        var dot = rest.IndexOf('.');
        return dot > 0 && int.TryParse(rest[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out generation);
    }

    /// <summary>The task whose temporary result a view names so; false when it is not one of this session's.</summary>
    public static bool TryParse(string path, SessionKey session, out int generation, out TaskId task)
    {
        task = default;
        generation = 0;
        if (!path.StartsWith(Folder + "/", StringComparison.Ordinal) || !HiddenNames.TryParseStem(path[(Folder.Length + 1)..], out var stem))
            return false;
        (_, generation, task) = stem;
        return stem.Hash == HiddenNames.Hash(session);
    }

    /// <summary>What the hidden names of a session's files begin with.</summary>
    public static string HashOf(SessionKey session) => HiddenNames.Hash(session);

    /// <summary>The file of a finished download, wherever it lies; null when it is gone.</summary>
    public static async ValueTask<StoredFile?> OpenAsync(IContainers containers, SessionKey session, TaskId task, FileView file, CancellationToken stop)
    {
        if (!ContainerName.TryParse(file.Container, out var container) || !containers.Exists(container))
            return null;
        if (TryParseGeneration(file.Path, out var generation))
            return await containers.OpenResultAsync(session, generation, task, container, stop);
        return ContainerPath.TryParse(file.Path, out var path) ? await containers.OpenReadAsync(session.Tenant, container, path, stop) : null;
    }
}
