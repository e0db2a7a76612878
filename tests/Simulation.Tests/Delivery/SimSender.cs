using Backhaul.Node.Delivery;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Delivery;

/// <summary>The product's sender, as one instance of a session's actor has it: the oracle hears of each request in the moment in which it is made.</summary>
internal sealed class SimSender(IWebhookSender sender, SessionKey session, IWatchedNode node, int shard, Oracle oracle, SimRules rules, TimeProvider time) : IWebhookSender
{
    private readonly long _instance = oracle.Webhooks.NewInstance();
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    public async ValueTask<WebhookAnswer?> SendAsync(WebhookMessage message, Func<bool> mayAct, CancellationToken stop)
    {
        if (rules.IdsAreOwn)
            message = message with { Id = $"{message.Id}_{_instance}" };
        if (rules.WebhooksAreLate)
            await Task.Delay(TimeSpan.FromMinutes(1), time, stop);
        if (rules.NothingIsSentTwice && _taken.Contains(message.Id))
            return new WebhookAnswer(WebhookResult.Taken, 204, null, "It was sent before.");
        if ((rules.NotificationsStay && message.IsNotification) || await sender.SendAsync(message, IsSent, stop) is not { } answer)
            return null;
        if (answer.Result is WebhookResult.Taken)
            _taken.Add(message.Id);
        if (rules.NotificationsAreGivenUp && message.IsNotification && answer.Result is WebhookResult.Failed)
            return answer with { Result = WebhookResult.Gone };
        return rules.EveryAnswerIsTaken ? answer with { Result = WebhookResult.Taken, Status = answer.Status ?? 200 } : answer;

        bool IsSent()
        {
            if (!mayAct())
                return false;
            oracle.OnOutward(node, shard, $"a webhook of {session} is sent");
            oracle.Webhooks.OnSent(node, _instance, message);
            return true;
        }
    }
}
