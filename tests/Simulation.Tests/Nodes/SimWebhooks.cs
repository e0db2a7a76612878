using Backhaul.Node.Delivery;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>Sessions of the simulation have no webhooks; one that is sent all the same is a bug.</summary>
internal sealed class SimWebhooks : IWebhookSender
{
    public ValueTask<WebhookAnswer> SendAsync(WebhookMessage message, CancellationToken stop) =>
        throw new InvalidOperationException($"Session {message.Session} sends a webhook, and has none.");
}
