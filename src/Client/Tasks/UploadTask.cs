using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>An upload of a session.</summary>
public sealed class UploadTask : BackgroundTask
{
    internal UploadTask(BackgroundSession session, TaskView view)
        : base(session, view)
    {
    }

    /// <summary>The file it sends; null when it sends <see cref="Parts"/>.</summary>
    public FileReference? Source => View.Source;

    /// <summary>The parts of a multipart body, values of secret headers masked.</summary>
    public IReadOnlyList<ContentPart>? Parts => View.Parts;

    /// <summary>How it is sent, when the task named it: <c>auto plain tus resumable s3</c>.</summary>
    public string? Protocol => View.UploadProtocol;

    /// <summary>Copies what the target answered, when the task has succeeded; it is kept until its <c>taskCompleted</c> is acknowledged.</summary>
    /// <exception cref="BackhaulException"><c>noContent</c>: the answer had none, or more than the node keeps.</exception>
    public Task<FileHead> ReadContentAsync(Stream destination, ByteRange? range = null, CancellationToken stop = default) =>
        Session.ReadContentAsync(Id, destination, range, stop);
}
