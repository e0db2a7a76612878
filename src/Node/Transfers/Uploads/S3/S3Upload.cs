using Backhaul.Node.Files.S3;
using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Uploads.S3;

/// <summary>
/// An object at its URL in a store that speaks S3: a short source by one PUT, a longer one in parts, which the store keeps over breaks. The session's
/// credentials name the key pair that signs.
/// </summary>
internal sealed class S3Upload : IUploadProtocol
{
    public UploadProtocol Protocol => UploadProtocol.S3;

    public async ValueTask<AttemptOutcome> SendAsync(UploadRun run)
    {
        var (exchange, failure) = Open(run);
        if (exchange is null)
            return new AttemptOutcome.Failed(failure!);
        return run.Source.Length > PartPlan.ObjectBytesMax
            ? new AttemptOutcome.Failed(S3Failures.TooLarge(run.Source.Length))
            : await new S3Sending(run, exchange).RunAsync();
    }

    /// <summary>Aborts the upload: the store gives up its parts, and says nothing of a finished object. Without the key pair nobody can tell it.</summary>
    public async ValueTask<bool> TerminateAsync(UploadRun run, UploadState state)
    {
        if (state.UploadId is not { } id)
            return true;
        if (Open(run).Exchange is not { } exchange)
            return false;
        using var reply = await exchange.Client.AbortUploadAsync(exchange.Key, id, run.Watch.Token);
        return !reply.IsAway;
    }

    private static (S3Exchange? Exchange, AttemptFailure? Failure) Open(UploadRun run)
    {
        var keys = run.Services.Clients.FindKeys(run.Order.Files.Session.Tenant, run.Order.Access.Credentials, run.Url, out var missing);
        if (keys is null)
            return (null, missing is null ? S3Failures.NoKeys(RequestSender.Origin(run.Url)) : AccessFailures.Missing(missing));
        var (target, why) = S3Target.Parse(run.Url, keys.Region);
        return target is null ? (null, S3Failures.BadUrl(why!)) : (new S3Exchange(run, target, keys), null);
    }
}
