using Backhaul.Node.Delivery;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// One message that tells nothing, signed and sent as all others are, so that somebody sees whether a receiver takes them. Nothing is recorded: the answer
/// neither disables nor enables, and acknowledges nothing. Runs beside the mailbox.
/// </summary>
internal sealed class WebhookTest(SessionEnvironment environment)
{
    /// <summary>Null when this node may not act for the session any more.</summary>
    public async ValueTask<CommandReply?> SendAsync(WebhookTarget target, SessionConfiguration configuration, long lastEvent)
    {
        if (!environment.Trust.MayAct)
            return null;
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
        var answer = await environment.Webhooks.SendAsync(new WebhookMessage(environment.Session, url, secret, id, body), CancellationToken.None);
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
