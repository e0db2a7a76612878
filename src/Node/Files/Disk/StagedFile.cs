using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>A file on its way in, in the staging folder of this process. Disposed before it is published, it is gone.</summary>
internal sealed class StagedFile(DiskContainer container, SafeFileHandle folder, string name, SafeFileHandle file) : IDisposable
{
    private bool _isPublished;

    public void Write(ReadOnlySpan<byte> bytes, long offset) => container.Check(container.Calls.Write(file, bytes, offset), "write a file");

    /// <summary>True when the name was free. A file that a client sends has no owner: whichever node takes it in may store it.</summary>
    public bool Publish(Place place, bool flush, string scope, PartOwner? owner, FileCondition? condition = null)
    {
        var isNew = container.Publish(file, folder, name, place, flush, scope, owner, condition);
        _isPublished = true;
        return isNew;
    }

    public FileStatus Status()
    {
        container.Check(container.Calls.Status(file, null, out var status), "look at a file");
        return status;
    }

    /// <summary>As <see cref="Dispose"/>; removing a large file takes its time, so it is file work.</summary>
    public bool Close()
    {
        Dispose();
        return _isPublished;
    }

    public void Dispose()
    {
        // A name that stays behind is swept by the next start.
        if (!_isPublished)
            _ = container.Calls.Unlink(folder, name);
        file.Dispose();
    }
}
