using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>webhook</c>: where sessions push their events to, and where they launch their clients.</summary>
internal sealed class WebhookPalette(SessionAsk ask, WebhookList list) : IPalette
{
    /// <summary>Longer than a receiver may take to answer.</summary>
    private static readonly TimeSpan TestWithin = TimeSpan.FromSeconds(30);

    private static readonly PaletteSwitch Launch = new("--launch", "The webhook of launches instead of that of pushed events.");

    public string Name => "webhook";

    public string Help => "Webhooks of sessions: which take what, try one, send events again, hold them back.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        list.Command(Launch),
        new()
        {
            Name = "test",
            Help = "Sends one signed message to a session's webhook and says what came of it; nothing of the session changes.",
            Arguments = [Words.Session],
            Switches = [Launch, Words.Tenant],
            Role = OperatorRole.Operator,
            Writes = true,
            Run = TestAsync,
        },
        new()
        {
            Name = "replay",
            Help = "Pushes events again that were taken already and are still kept.",
            Arguments = [Words.Session],
            Switches = [new("--from", "The number of the first event; needed.", "number"), new("--to", "The number of the last; the newest event when it is left out.", "number"), Words.Tenant],
            Role = OperatorRole.Operator,
            Writes = true,
            Run = ReplayAsync,
        },
        Change("disable", "Sends nothing to a session's webhook until it is enabled; its events stay.", static (target, reason) =>
            new SessionCommand.DisableWebhook(target, reason is null ? "An operator disabled it." : $"An operator disabled it: {reason}")),
        Change("enable", "Sends to a session's webhook again, at once: what was given up, and what waits for its next attempt.", static (target, _) => new SessionCommand.EnableWebhook(target)),
    ];

    private PaletteCommand Change(string name, string help, Func<WebhookTarget, string?, SessionCommand> command) => new()
    {
        Name = name,
        Help = help,
        Arguments = [Words.Session],
        Switches = [Launch, Words.Tenant],
        Role = OperatorRole.Operator,
        Writes = true,
        Run = async (invocation, output, stop) =>
        {
            var answer = await ask.SendAsync(invocation.Session(), command(TargetOf(invocation), invocation.Reason), output, stop);
            return answer.Exit ?? await WriteAsync(answer, invocation, output);
        },
    };

    public static WebhookTarget TargetOf(PaletteInvocation invocation) => invocation.Flag(Launch.Name) ? WebhookTarget.Launch : WebhookTarget.Push;

    private async ValueTask<PaletteExit> TestAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var answer = await ask.SendAsync(invocation.Session(), new SessionCommand.TestWebhook(TargetOf(invocation)), TestWithin, output, stop);
        if (answer.Exit is { } exit)
            return exit;
        var view = answer.Read(ProtocolJson.Default.WebhookTestView);
        if (invocation.Json)
        {
            await output.JsonAsync(answer.Json);
        }
        else
        {
            var table = new TextTable(output, "Message", "Url", "Taken", "Status", "Took", "Why");
            await table.RowAsync(view.Id, UrlRedaction.Apply(view.Url), view.Taken ? "yes" : "no", Columns.Number(view.Status), $"{view.Took.TotalMilliseconds:0} ms", view.Why);
            await table.FlushAsync();
            await output.LineAsync(Columns.Count(1, "message", "messages"));
        }
        return view.Taken ? PaletteExit.Done : PaletteExit.Refused;
    }

    private async ValueTask<PaletteExit> ReplayAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        if (invocation.Text("--from") is null)
            throw new PaletteUsageException("Say which events: --from 17, or --from 17 --to 20.");
        var from = invocation.Number("--from", 1, long.MaxValue);
        var to = invocation.Text("--to") is null ? (long?)null : invocation.Number("--to", 1, long.MaxValue);
        var answer = await ask.SendAsync(invocation.Session(), new SessionCommand.ReplayPush(from, to), output, stop);
        if (answer.Exit is { } exit)
            return exit;
        if (!invocation.Json && answer.Read(ProtocolJson.Default.WebhookView).Replay is null)
            await output.LineAsync($"Event {from} and those behind it were not sent yet: they come by themselves.");
        return await WriteAsync(answer, invocation, output);
    }

    private static async ValueTask<PaletteExit> WriteAsync(SessionAsk.Answer answer, PaletteInvocation invocation, PaletteOutput output)
    {
        if (invocation.Json)
        {
            await output.JsonAsync(answer.Json);
            return PaletteExit.Done;
        }
        var view = answer.Read(ProtocolJson.Default.WebhookView);
        var table = WebhookList.NewTable(output);
        await WebhookList.RowAsync(table, invocation.Session(), view);
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(1, "webhook", "webhooks"));
        return PaletteExit.Done;
    }
}
