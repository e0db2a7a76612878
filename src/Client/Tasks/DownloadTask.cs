using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>A download of a session.</summary>
public sealed class DownloadTask : BackgroundTask
{
    internal DownloadTask(BackgroundSession session, TaskView view)
        : base(session, view)
    {
    }

    /// <summary>Where its file goes; null is a temporary file, which lives until the task's last event is acknowledged.</summary>
    public FileReference? Destination => View.Destination;

    /// <summary>Its file, once it has succeeded.</summary>
    public FileView? File => View.File;

    /// <summary>Whether a break loses bytes, and why.</summary>
    public ResumableView? Resumable => View.Resumable;

    /// <summary><c>verified</c> when a length or a digest proved the body complete, else <c>unverified</c>.</summary>
    public string? Integrity => View.Integrity;

    /// <summary>
    /// Ends it as <c>cancelled</c> and keeps its part: other tasks, of any session and any number of them, start from it by
    /// <see cref="TaskRequest.ResumeData"/>, until it expires. The answer says why when there is nothing to go on from.
    /// </summary>
    public async Task<ResumeDataView> CancelProducingResumeDataAsync(CancellationToken stop = default)
    {
        var data = await Session.ProduceResumeDataAsync(Id, stop: stop);
        await RefreshAsync(stop);
        return data;
    }

    /// <summary>Which of its bytes are durable, and which are wanted.</summary>
    public Task<RangesView> GetRangesAsync(CancellationToken stop = default) => Session.GetRangesAsync(Id, stop);

    /// <summary>Asks for bytes before the others, of a task with random access; opens or ends a deferral of its events.</summary>
    public Task<RangesView> WantRangesAsync(RangesRequest ranges, CancellationToken stop = default) => Session.WantRangesAsync(Id, ranges, stop: stop);

    /// <summary>Copies its file into <paramref name="destination"/>, going on after a broken connection.</summary>
    public Task<FileHead> ReadContentAsync(Stream destination, ByteRange? range = null, CancellationToken stop = default) =>
        Session.ReadContentAsync(Id, destination, range, stop);

    /// <summary>Copies bytes of its file while it is under way, when they are durable or after <paramref name="wait"/> (60 s at most) those that are.</summary>
    public Task<FileHead> ReadContentAsync(Stream destination, ByteRange range, TimeSpan wait, CancellationToken stop = default) =>
        Session.ReadContentAsync(Id, destination, range, wait, stop);
}
