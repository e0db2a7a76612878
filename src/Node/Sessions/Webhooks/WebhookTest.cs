using Backhaul.Node.Delivery;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// One message that tells nothing, signed and sent as all others are, so that somebody sees whether a receiver takes them. Nothing is recorded: the answer
/// neither disables nor enables, and acknowledges nothing. Runs beside the mailbox, one at a time for a session, and no longer than somebody waits for it.
/// </summary>
internal sealed class WebhookTest(SessionEnvironment environment)
{
    private readonly CancellationTokenSource _stop = new();
    private int _isUnderWay;

    /// <summary>The session leaves this node's memory: the test under way ends.</summary>
    public void Stop() => _stop.Cancel();

    /// <param name="target">What is tried.</param>
    /// <param name="configuration">In force.</param>
    /// <param name="lastEvent">The newest.</param>
    /// <param name="answered">Ends when whoever asked was answered, by others than this: then nobody waits any more.</param>
    /// <returns>Null when this node may not act for the session any more, or nobody waits.</returns>
    public async ValueTask<CommandReply?> SendAsync(WebhookTarget target, SessionConfiguration configuration, long lastEvent, Task answered)
    {
        if (Interlocked.Exchange(ref _isUnderWay, 1) != 0)
            return CommandReply.Refuse(409, ProblemCodes.Busy, "Another test of this session's webhooks is under way. Send this one when that one was answered.");
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        try
        {
            var sent = SendAsync(target, configuration, lastEvent, over.Token);
            if (await Task.WhenAny(sent, answered) != sent)
                over.Cancel();
            return await sent;
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            Volatile.Write(ref _isUnderWay, 0);
        }
    }

    private async Task<CommandReply?> SendAsync(WebhookTarget target, SessionConfiguration configuration, long lastEvent, CancellationToken stop)
    {
        var (url, secret) = target is WebhookTarget.Push
            ? (configuration.Push!.Url!, configuration.Push.Secret!)
            : (configuration.Launch!.Url!, configuration.Launch.Secret!);
        var at = environment.Time.GetUtcNow();
        var id = CloudEvent.IdOf(environment.Session, "test", at.ToUnixTimeMilliseconds());
        var body = CloudEvent.Write(id, environment.Session, "test", at, subject: null, json =>
        {
            json.WriteStartObject();
            json.WriteString("session", environment.Session.Identifier.ToString());
            json.WriteString("target", WebhookControl.WordOf(target));
            json.WriteNumber("lastEvent", lastEvent);
            json.WriteEndObject();
        });
        var began = environment.Time.GetTimestamp();
        var message = new WebhookMessage(environment.Session, url, secret, id, body) { IsTest = true };
        if (await environment.Webhooks.SendAsync(message, () => environment.Trust.MayAct, stop) is not { } answer)
            return null;
        var view = new WebhookTestView
        {
            Id = id,
            Url = ShownUrl.Of(url),
            Taken = answer.Result is WebhookResult.Taken,
            Status = answer.Status,
            Took = TimeSpan.FromMilliseconds(Math.Round(environment.Time.GetElapsedTime(began).TotalMilliseconds)),
            Why = answer.Why,
        };
        return SessionViews.Json(200, view, ProtocolJson.Default.WebhookTestView);
    }
}
