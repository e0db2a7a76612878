using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>One way to bring a source to a target. Implementations hold no state of an attempt: that is in the run, and in its checkpoints.</summary>
internal interface IUploadProtocol
{
    UploadProtocol Protocol { get; }

    /// <summary>Carries out one attempt, from <see cref="UploadRun.State"/> on when there is one.</summary>
    ValueTask<AttemptOutcome> SendAsync(UploadRun run);

    /// <summary>Asks the target once to forget an unfinished upload. True: there is nothing more to do, because it did, or need not.</summary>
    ValueTask<bool> TerminateAsync(UploadRun run, UploadState state);
}
