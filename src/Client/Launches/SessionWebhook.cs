using System.Text.Json;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>A webhook of a session: where it pushes its events to, or where it launches its client. Only a handle; the session's configuration says where it goes.</summary>
public sealed class SessionWebhook
{
    private readonly Caller _caller;
    private readonly string _path;

    internal SessionWebhook(Caller caller, string session, string target)
    {
        _caller = caller;
        _path = $"{session}/{target}";
        Target = target;
    }

    /// <summary><c>push</c> or <c>launch</c>.</summary>
    public string Target { get; }

    /// <summary>Whether it is enabled, what waits, and what failed.</summary>
    /// <exception cref="BackhaulException">The session has no such webhook: <see cref="ProblemCodes.NoWebhook"/>.</exception>
    public Task<WebhookView> GetAsync(CancellationToken stop = default) => _caller.GetAsync(_path, ProtocolJson.Default.WebhookView, stop);

    /// <summary>Lets it be sent again after it was disabled, at once. What waits for its next attempt does not wait any longer.</summary>
    public Task<WebhookView> EnableAsync(CommandId? intent = null, CancellationToken stop = default) => ActAsync("enable", intent, stop);

    /// <summary>Holds it back until it is enabled. Events stay, and their retention goes on.</summary>
    public Task<WebhookView> DisableAsync(CommandId? intent = null, CancellationToken stop = default) => ActAsync("disable", intent, stop);

    /// <summary>Sends one signed message that says nothing, and says what came of it. Nothing of the session changes. A call that is repeated sends another one.</summary>
    public Task<WebhookTestView> TestAsync(CancellationToken stop = default) =>
        _caller.CommandAsync(HttpMethod.Post, $"{_path}/test", null, ProtocolJson.Default.WebhookTestView, intent: null, stop);

    /// <summary>
    /// Pushes events again that were taken already, from number <paramref name="from"/> on, up to <paramref name="through"/> or the newest. They have the ids they had. Only of
    /// <see cref="BackgroundSession.PushWebhook"/>.
    /// </summary>
    /// <exception cref="BackhaulException">They are not kept any more: <see cref="ProblemCodes.EventsGone"/>, and the sentence says which are.</exception>
    public Task<WebhookView> ReplayAsync(long from, long? through = null, CommandId? intent = null, CancellationToken stop = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(from, 1);
        return _caller.CommandAsync(
            HttpMethod.Post,
            $"{_path}/replay",
            JsonSerializer.SerializeToUtf8Bytes(new ReplayRequest { From = from, Through = through }, ProtocolJson.Default.ReplayRequest),
            ProtocolJson.Default.WebhookView,
            intent,
            stop);
    }

    private Task<WebhookView> ActAsync(string verb, CommandId? intent, CancellationToken stop) =>
        _caller.CommandAsync(HttpMethod.Post, $"{_path}/{verb}", null, ProtocolJson.Default.WebhookView, intent, stop);
}
