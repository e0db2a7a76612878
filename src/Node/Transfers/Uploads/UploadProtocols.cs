using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers.Uploads.Resumable;
using Backhaul.Node.Transfers.Uploads.S3;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>The ways to upload that this node knows, and what it remembers of targets.</summary>
internal sealed class UploadProtocols(TimeProvider time)
{
    private readonly IUploadProtocol[] _all =
        [new PlainUpload(), new ResumableUpload(UploadProtocol.Tus), new ResumableUpload(UploadProtocol.Resumable), new S3Upload()];

    public UploadMemory Memory { get; } = new(new ContinueMemory(), new TargetMemory(time));

    /// <summary>Null when this node does not know it.</summary>
    public IUploadProtocol? Find(UploadProtocol protocol) => Array.Find(_all, known => known.Protocol == protocol);
}
