using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What webhooks count. Results are <c>taken</c>, <c>failed</c> and <c>gone</c>.</summary>
internal static class WebhookInstruments
{
    private static readonly Counter<long> Attempts = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.webhook.attempts", "{request}", "Webhooks that were sent, by what came of it.");

    private static readonly Counter<long> GivenUp = NodeMeter.Meter.CreateCounter<long>(
        "backhaul.webhook.given_up", "{notification}", "Notifications of tasks' ends that are not sent any more.");

    public static void NotificationGivenUp() => GivenUp.Add(1);

    public static void Answered(string result) => Attempts.Add(1, new KeyValuePair<string, object?>("result", result));
}
