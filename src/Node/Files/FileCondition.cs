namespace Backhaul.Node.Files;

/// <summary>
/// What must hold of a path at the moment it changes: asked right before the change, while nobody else of this process changes that path.
/// </summary>
/// <param name="Holds">Of the present file's ETag and time; nulls when there is none.</param>
/// <param name="MustBeFree">Nothing may lie there: the file system itself refuses to replace, so that this holds against other nodes too.</param>
internal sealed record FileCondition(Func<string?, DateTimeOffset?, bool> Holds, bool MustBeFree)
{
    public static FileCondition Free { get; } = new(static (etag, _) => etag is null, MustBeFree: true);
}

/// <summary>The file is not the one that was asked for; nothing was changed.</summary>
internal sealed class FileConditionException() : Exception("The file is not the one that the request's conditions ask for.");
