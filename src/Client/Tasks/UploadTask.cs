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
}
