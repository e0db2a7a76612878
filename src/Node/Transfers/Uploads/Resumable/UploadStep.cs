namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>What to do next with an upload.</summary>
internal abstract record UploadStep
{
    private UploadStep()
    {
    }

    /// <summary>Create it. <paramref name="Why"/> says why what was sent before is lost; null when nothing was.</summary>
    internal sealed record Create(string? Why) : UploadStep;

    /// <summary>Ask how much the target has.</summary>
    internal sealed record Ask : UploadStep;

    internal sealed record Append(long From, long Count, bool Last) : UploadStep;

    /// <summary>It is there.</summary>
    internal sealed record Done : UploadStep;

    /// <summary>The attempt ends with the status that the target answered.</summary>
    internal sealed record Status : UploadStep;

    /// <summary>The attempt ends.</summary>
    internal sealed record Fail(AttemptFailure Failure) : UploadStep;
}
