using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Uploads of a session that are to be given up at their targets, oldest first. The end of a task adds to them and the outcome of the telling removes, so a
/// restart finds what was not done. Beyond <see cref="Max"/> a further one is left to its target's own expiry.
/// </summary>
internal sealed class AbandonedUploads
{
    public const int Max = 1_000;

    private readonly List<AbandonedUpload> _all = [];

    public IReadOnlyList<AbandonedUpload> All => _all;

    public void Add(AbandonedUpload upload)
    {
        if (_all.Count < Max)
            _all.Add(upload);
    }

    public bool Contains(int generation, TaskId task) => _all.Exists(upload => upload.Generation == generation && upload.Task.Id == task);

    public void Remove(int generation, TaskId task) => _all.RemoveAll(upload => upload.Generation == generation && upload.Task.Id == task);
}
