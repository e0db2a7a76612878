using System.Globalization;
using System.Text;
using System.Text.Json;
using Backhaul.Node.Security;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Delivery;

/// <summary>What a receiver answers; a status of null: nothing, ever.</summary>
internal sealed record SimWebhookAnswer(int? Status, TimeSpan After, string? RetryAfter = null);

/// <summary>
/// The receivers of all sessions' webhooks, at the far end of the network. They check what they are sent, and sometimes they answer 500, 503 or 410,
/// late, or not at all; and an answer may be lost after they have taken what they got.
/// </summary>
internal sealed class SimReceiver(VirtualProcess process, SimRandom random, Oracle oracle, SimTrace trace)
{
    public const string KeyText = "whsec_c2ltdWxhdGVkLWtleS1vZi0yNC1ieXRlcy1vci1tb3Jl";
    private static readonly byte[] Key = WebhookKeys.Parse(KeyText)![0];

    /// <summary>How often something goes wrong.</summary>
    public double Trouble { get; set; } = UsualTrouble;

    public static double UsualTrouble => 0.03;

    public VirtualProcess Process => process;

    public SimRandom Random => random;

    /// <summary>A client is launched: its session, and the launch's number.</summary>
    public Action<SessionKey, long>? Launched { get; set; }

    /// <summary>Of URLs that are told of tasks' ends.</summary>
    public const string Succeeded = "succeeded", Failed = "failed";

    public static string UrlOf(SessionKey session, string kind) => $"http://receiver.sim/{session}/{kind}";

    public static string UrlOf(SessionKey session, string end, int host) => $"http://told-{host}.sim/{session}/{end}";

    /// <summary>In the receivers' process, when a request has arrived.</summary>
    public SimWebhookAnswer Take(string path, string id, string timestamp, string signature, byte[] body)
    {
        var parts = path.Trim('/').Split('/');
        var (session, kind) = (SessionKey.Parse($"{parts[0]}/{parts[1]}"), parts[2]);
        var at = long.Parse(timestamp, CultureInfo.InvariantCulture);
        if (signature != "v1," + WebhookKeys.Sign(Key, id, at, body))
            throw new InvariantBrokenException("D5", $"A webhook of {session} carries a signature that is not its key's.");
        using var json = JsonDocument.Parse(Encoding.UTF8.GetString(body));
        if (json.RootElement.GetProperty("id").GetString() != id)
            throw new InvariantBrokenException("D5", $"A webhook of {session} has one id in its head and another in its body.");
        kind = kind is Succeeded or Failed ? WebhookChecks.Notify : kind;
        var number = WebhookChecks.NumberOf(kind, json.RootElement.GetProperty("data"));
        var answer = Answer(kind);
        trace.Line("receiver", $"{kind} {session} {number} → {answer.Status?.ToString(CultureInfo.InvariantCulture) ?? "nothing"}");
        oracle.Webhooks.OnArrived(session, kind, number, answer.Status);
        if (kind == "launch" && answer.Status is 204)
            Launched?.Invoke(session, number);
        return answer;
    }

    private SimWebhookAnswer Answer(string kind)
    {
        var soon = random.Milliseconds(1, 30);
        if (!random.Chance(Trouble))
            return new SimWebhookAnswer(204, soon);
        return random.Next(12) switch
        {
            0 or 1 or 2 => new SimWebhookAnswer(500, soon),
            3 => new SimWebhookAnswer(503, soon, "7"),
            4 => new SimWebhookAnswer(204, random.Seconds(1, 19)),
            5 => new SimWebhookAnswer(204, random.Seconds(21, 60)), // taken, and the sender does not wait that long
            6 => new SimWebhookAnswer(null, soon),
            7 when random.Chance(kind == "push" ? 0.3 : 0.1) => new SimWebhookAnswer(410, soon),
            8 => new SimWebhookAnswer(302, soon),
            _ => new SimWebhookAnswer(500, random.Seconds(0, 15)),
        };
    }
}
