namespace Backhaul.Node.Files.Disk;

/// <summary>
/// Who changes a path of any container looks at it and changes it alone in this process: a condition that was checked still holds at the rename.
/// Striped: two paths may share a lock, and then wait for each other's one system call. Taken on file threads.
/// </summary>
internal sealed class PathLocks
{
    private const int StripesMax = 512;

    private readonly Lock[] _stripes = [.. Enumerable.Range(0, StripesMax).Select(_ => new Lock())];

    public Lock.Scope Enter(DiskContainer container, Place place) => _stripes[StripeOf(container, place)].EnterScope();

    /// <summary>Both, in one order for everybody. A stripe may be entered twice by one thread.</summary>
    public T Within<T>((DiskContainer Container, Place Place) one, (DiskContainer Container, Place Place) other, Func<T> act)
    {
        var (first, second) = (StripeOf(one.Container, one.Place), StripeOf(other.Container, other.Place));
        using (_stripes[Math.Min(first, second)].EnterScope())
        using (_stripes[Math.Max(first, second)].EnterScope())
            return act();
    }

    private static int StripeOf(DiskContainer container, Place place) =>
        (int)((uint)HashCode.Combine(container.Name, place.Folder, place.Name) % StripesMax);
}
