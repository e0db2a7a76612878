using System.Text.Json;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// <c>webhook list</c>. What a webhook does is known to its session alone, so each session of the page is asked, wherever in the cluster it is, a few at a
/// time. That brings it into memory: so one call asks a bounded number, and says where the next goes on.
/// </summary>
internal sealed class WebhookList(SessionAsk ask, IJournalStore store)
{
    private const int PageRows = 500;
    private const int AskedAtOnce = 16;

    public PaletteCommand Command(PaletteSwitch launch) => new()
    {
        Name = "list",
        Help = "Lists the sessions that have a webhook, with what it does; asks each session.",
        Switches =
        [
            launch, new("--state", "Only webhooks in this state.", "state") { Values = ["enabled", "failing", "disabled"] },
            new("--look", "Asks at most so many sessions.", "sessions") { Default = "1000" }, new("--after", "Goes on behind this session, as the list before said.", "session"),
            Words.Limit, Words.Tenant, Words.AllTenants,
        ],
        Run = RunAsync,
    };

    public static TextTable NewTable(PaletteOutput output) => new(output, "Tenant", "Session", "Webhook", "State", "Since", "Pending", "Last", "Next try", "Url", "Why");

    public static ValueTask RowAsync(TextTable table, SessionKey session, WebhookView view) => table.RowAsync(
        session.Tenant.ToString(), session.Identifier.ToString(), view.Target, StateOf(view), Columns.Time(view.DisabledAt ?? view.LastFailure?.At), Columns.Number(view.Pending),
        view.LastFailure is { } failure ? failure.Status is { } status ? Columns.Number(status) : "no answer" : null, Columns.Time(view.NextAt), UrlRedaction.Apply(view.Url),
        view.DisabledWhy ?? view.LastFailure?.Why ?? (view.Replay is { } replay ? $"Sends the events {replay.After + 1} to {replay.Through} again." : null));

    /// <summary>What it is: not enabled, enabled and its last message was not taken, or well.</summary>
    private static string StateOf(WebhookView view) => !view.Enabled ? "disabled" : view.LastFailure is not null ? "failing" : "enabled";

    private async ValueTask<PaletteExit> RunAsync(PaletteInvocation invocation, PaletteOutput output, CancellationToken stop)
    {
        var tenant = invocation.ListedTenant();
        var page = new Page(invocation.Text("--state"), invocation.Number("--limit", 1, 1_000_000), invocation.Number("--look", 1, 1_000_000), After(invocation, tenant));
        var target = WebhookPalette.TargetOf(invocation);
        var table = NewTable(output);
        for (var isLast = false; !isLast && page.MayLook;)
        {
            var read = await store.ListSessionsAsync(tenant, page.After, (int)Math.Min(PageRows, page.LookLeft), stop);
            foreach (var some in read.Heads.Chunk(AskedAtOnce).TakeWhile(_ => page.MayLook))
            {
                var replies = await Task.WhenAll(some.Select(head => ask.AskAsync(head.Session, new SessionCommand.GetWebhook(target), stop)));
                foreach (var (head, reply) in some.Zip(replies).TakeWhile(_ => page.MayLook))
                {
                    if (page.Take(head.Session, reply) is { } view)
                        await WriteAsync(invocation, output, table, head.Session, view);
                }
            }
            if (read.Heads.Count == 0 || page.After == read.Heads[^1].Session.ToString())
                (page.After, isLast) = (read.Next, read.Next is null);
        }
        if (!invocation.Json)
        {
            await table.FlushAsync();
            await output.LineAsync(Columns.Count(page.Found, "webhook", "webhooks") + $" of {Columns.Number(page.Looked)} sessions" + (page.After is { } next ? $" (there are more: --after {next})" : ""));
        }
        if (page.Silent is { } silent)
            await output.ErrorAsync($"{page.SilentCount} of them did not answer, the first: {silent}");
        return page.Silent is null ? PaletteExit.Done : PaletteExit.TryAgain;
    }

    private static string? After(PaletteInvocation invocation, TenantId? tenant)
    {
        if (invocation.Text("--after") is not { } text)
            return null;
        if (SessionKey.TryParse(text, out var key) && (tenant is null || tenant == key.Tenant))
            return key.ToString();
        return tenant is { } one && SessionIdentifier.TryParse(text, out var identifier)
            ? new SessionKey(one, identifier).ToString()
            : throw new PaletteUsageException($"--after is '{text}'. It is what the list before said, such as {TenantId.Default}/photos.");
    }

    private static async ValueTask WriteAsync(PaletteInvocation invocation, PaletteOutput output, TextTable table, SessionKey session, WebhookView view)
    {
        if (!invocation.Json)
        {
            await RowAsync(table, session, view);
            return;
        }
        var json = JsonSerializer.SerializeToNode(view, ProtocolJson.Default.WebhookView)!.AsObject();
        json.Insert(0, "tenant", session.Tenant.ToString());
        json.Insert(1, "identifier", session.Identifier.ToString());
        await output.JsonAsync(json);
    }

    /// <summary>How far one call has come.</summary>
    private sealed class Page(string? state, long limit, long look, string? after)
    {
        /// <summary>The last session that was looked at; null behind the end.</summary>
        public string? After { get; set; } = after;
        public long Looked { get; private set; }
        public long Found { get; private set; }
        public string? Silent { get; private set; }
        public long SilentCount { get; private set; }
        public long LookLeft => look - Looked;
        public bool MayLook => LookLeft > 0 && Found < limit;

        public WebhookView? Take(SessionKey session, CommandReply reply)
        {
            (After, Looked) = (session.ToString(), Looked + 1);
            switch (reply)
            {
                case CommandReply.Done done:
                    var view = JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.WebhookView)!;
                    if (state is not null && StateOf(view) != state)
                        return null;
                    Found++;
                    return view;
                case CommandReply.Refused { Problem.Code: ProblemCodes.NoWebhook or ProblemCodes.SessionNotFound }:
                    return null;
                case CommandReply.Refused refused:
                    Silence(session, refused.Problem.Detail);
                    return null;
                case CommandReply.Unavailable unavailable:
                    Silence(session, unavailable.Detail);
                    return null;
                default:
                    throw new InvalidOperationException($"The router answered with {reply.GetType().Name}.");
            }
        }

        private void Silence(SessionKey session, string? detail)
        {
            Silent ??= $"{session}: {detail}";
            SilentCount++;
        }
    }
}
