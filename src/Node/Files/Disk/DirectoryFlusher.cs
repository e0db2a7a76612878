using Microsoft.Win32.SafeHandles;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// Makes renames durable, with one flush for all that wait: whoever finds a folder's flush running waits for the next one, which one
/// of the waiters does for all. A caller that returns was covered by a flush that began after it came.
/// </summary>
internal sealed class DirectoryFlusher(IDiskCalls calls)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Folder> _folders = new(StringComparer.Ordinal);

    /// <summary>Answers 0 or an <see cref="Errno"/>; blocks.</summary>
    /// <param name="key">The folder's path under the container's root.</param>
    /// <param name="handle">The folder, open.</param>
    public int Flush(string key, SafeFileHandle handle)
    {
        var folder = Enter(key);
        try
        {
            return Flush(folder, handle);
        }
        finally
        {
            Leave(key, folder);
        }
    }

    private int Flush(Folder folder, SafeFileHandle handle)
    {
        Round round;
        lock (folder)
        {
            round = folder.Next;
            while (!round.IsDone && folder.IsRunning)
                Monitor.Wait(folder);
            if (round.IsDone)
                return round.Errno;
            folder.IsRunning = true;
            folder.Next = new Round();
        }
        var errno = Errno.Io;
        try
        {
            errno = calls.Flush(handle);
        }
        finally
        {
            lock (folder)
            {
                round.Errno = errno;
                round.IsDone = true;
                folder.IsRunning = false;
                Monitor.PulseAll(folder);
            }
        }
        return errno;
    }

    private Folder Enter(string key)
    {
        lock (_gate)
        {
            if (!_folders.TryGetValue(key, out var folder))
                _folders.Add(key, folder = new Folder());
            folder.Users++;
            return folder;
        }
    }

    private void Leave(string key, Folder folder)
    {
        lock (_gate)
        {
            if (--folder.Users == 0)
                _folders.Remove(key);
        }
    }

    private sealed class Folder
    {
        public int Users;
        public bool IsRunning;
        public Round Next = new();
    }

    private sealed class Round
    {
        public bool IsDone;
        public int Errno;
    }
}
