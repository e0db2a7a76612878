using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Backhaul.Node.Journal;
using Backhaul.Node.Ops;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Xunit;
using static Backhaul.Node.Tests.Ops.PaletteCalls;

namespace Backhaul.Node.Tests.Ops;

public sealed class PaletteEdgeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Origins_are_limited_paused_listed_and_resumed()
    {
        await using var host = await OpsHost.StartAsync();
        Assert.Equal(0, (await RunAsync(host, "origin", "limit", "https://A.example:443", "--connections", "20", "--requests", "2.5", "--reason", "r")).Exit);
        Assert.Equal(0, (await RunAsync(host, "origin", "pause", "https://a.example/x", "--reason", "move")).Exit);
        var (lines, _, _) = await RunAsync(host, "origin", "list");
        var row = lines[1].Split(" | ").Select(cell => cell.Trim()).ToList();
        Assert.Equal(["https://a.example", "paused", "0", "20", "2.5"], row[..5]);
        Assert.Equal("move", row[^1]);
        Assert.Equal(0, (await RunAsync(host, "origin", "resume", "https://a.example", "--reason", "r")).Exit);
        Assert.Contains("open", (await RunAsync(host, "origin", "list")).Lines[1], StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync(host, "origin", "pause", "a.example", "--reason", "r")).Exit);
        Assert.Equal(2, (await RunAsync(host, "origin", "limit", "https://a.example", "--bytes", "1", "--reason", "r")).Exit);
        Assert.Equal(2, (await RunAsync(host, "origin", "limit", "https://a.example", "--reason", "r")).Exit);
    }

    [Fact]
    public async Task The_palettes_describe_every_command()
    {
        await using var host = await OpsHost.StartAsync();
        using var http = new HttpClient { BaseAddress = host.Address };
        var catalog = await http.GetFromJsonAsync<JsonObject>("/pbm/palettes", Stop);
        var commands = catalog!["palettes"]!.AsArray()
            .SelectMany(p => p!["commands"]!.AsArray().Select(c => $"{p["name"]} {c!["name"]}"))
            .ToList();
        Assert.Equal(
        [
            "cluster show", "cluster status", "cluster leave", "cluster down", "cluster tail", "cluster version",
            "cluster-sharding region-stats", "cluster-sharding list-shards", "cluster-sharding move-shard", "cluster-sharding release-shard", "cluster-sharding poisoned",
            "session list", "session show", "session tasks", "session events", "session suspend", "session resume", "session force-quit",
            "session history", "session quarantined", "session release",
            "task list", "task show", "task why", "task attempts", "task suspend", "task resume", "task cancel", "task tail",
            "group suspend", "group resume",
            "webhook list", "webhook test", "webhook replay", "webhook disable", "webhook enable",
            "origin list", "origin limit", "origin pause", "origin resume",
            "network show", "network set",
                "actor hierarchy", "actor system",
            "container list", "container usage", "container sweep",
            "system info", "system uptime", "system metrics", "system gc", "system drain",
            "log tail", "log level",
        ], commands);
        var quit = catalog["palettes"]![2]!["commands"]![6]!;
        Assert.True((bool)quit["destructive"]!);
        Assert.Equal("operator", (string?)quit["role"]);
        Assert.Contains(quit["switches"]!.AsArray(), s => (string?)s!["name"] == "--reason");
        Assert.Equal("default", (string?)quit["switches"]![0]!["default"]);
    }

    [Fact]
    public async Task Sessions_are_listed_by_tenant_in_columns_with_a_count()
    {
        await using var host = await OpsHost.StartAsync();
        host.Heads.Heads.Add(Head("default/photos", 12));
        host.Heads.Heads.Add(Head("default/a", 3));
        host.Heads.Heads.Add(Head("acme/other", 1));
        var (lines, _, exit) = await RunAsync(host, "session", "list");
        Assert.Equal(
        [
            "Tenant  | Session | State  | Generation | Last event | Shard | Wakes at",
            "default | a       | active | 1          | 3          | 7     | -",
            "default | photos  | active | 1          | 12         | 7     | -",
            "Count: 2 sessions",
        ], lines);
        Assert.Equal(0, exit);
        Assert.Equal("Count: 1 session", (await RunAsync(host, "session", "list", "--tenant", "acme")).Lines[^1]);
        Assert.Equal("Count: 3 sessions", (await RunAsync(host, "session", "list", "--all-tenants")).Lines[^1]);
        Assert.Equal("Count: 1 session (there are more: --limit)", (await RunAsync(host, "session", "list", "-n", "1")).Lines[^1]);
        var json = (await RunAsync(host, "session", "list", "--json")).Lines;
        Assert.Equal("a photos", string.Join(' ', json.Select(line => (string?)JsonNode.Parse(line)!["identifier"])));
    }

    [Fact]
    public async Task A_list_longer_than_a_page_is_read_to_its_end()
    {
        await using var host = await OpsHost.StartAsync();
        for (var i = 0; i < 1203; i++)
            host.Heads.Heads.Add(Head($"default/s{i:D5}", i));
        Assert.Equal("Count: 1203 sessions", (await RunAsync(host, "session", "list", "--limit", "5000")).Lines[^1]);
    }

    [Fact]
    public async Task A_url_is_shown_without_its_query_in_columns_and_json()
    {
        await using var host = await OpsHost.StartAsync();
        host.Router.Answer = (_, command) => command is SessionCommand.ListTasks
            ? ScriptedRouter.Done(new Page<TaskView> { Items = [Views.Task()], Next = null }, ProtocolJson.Default.PageTaskView)
            : ScriptedRouter.Done(Views.Task(), ProtocolJson.Default.TaskView);
        foreach (var words in new string[][] { ["task", "list", "photos"], ["task", "show", "photos", "t1"], ["task", "show", "photos", "t1", "--json"] })
        {
            var (lines, _, exit) = await RunAsync(host, words);
            Assert.Equal(0, exit);
            Assert.Contains(lines, line => line.Contains("https://example.org/a.bin", StringComparison.Ordinal));
            Assert.DoesNotContain(lines, line => line.Contains("secret", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task What_a_client_named_cannot_act_on_the_operators_terminal()
    {
        await using var host = await OpsHost.StartAsync();
        host.Router.Answer = (_, _) => ScriptedRouter.Done(Views.Task() with { Description = "a\u001b[2Jb | c\nd" }, ProtocolJson.Default.TaskView);
        var (lines, _, _) = await RunAsync(host, "task", "show", "photos", "t1");
        Assert.EndsWith("| a?[2Jb / c d", lines.Single(l => l.StartsWith("description ", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_destructive_command_wants_a_confirmation_and_leaves_a_trace_before_it_is_carried_out()
    {
        await using var host = await OpsHost.StartAsync();
        var auditAtExecution = "";
        host.Router.Answer = (_, _) =>
        {
            auditAtExecution = host.AuditText;
            return ScriptedRouter.Done(Views.Session(), ProtocolJson.Default.SessionView);
        };
        var refused = await RunAsync(host, "session", "force-quit", "photos", "--tenant", "acme", "--reason", "runs amok");
        Assert.Equal((2, 0), (refused.Exit, host.Router.Seen.Count));
        Assert.Contains("--yes", refused.Errors.Single(), StringComparison.Ordinal);

        var done = await RunAsync(host, confirmed: true, "session", "force-quit", "photos", "--tenant", "acme", "--reason", "runs amok");
        Assert.Equal(0, done.Exit);
        var (session, command) = host.Router.Seen.Single();
        Assert.Equal("acme/photos", session.ToString());
        Assert.Equal(new SessionCommand.End(EndMode.ForceQuit), command);
        Assert.Contains("runs amok", auditAtExecution, StringComparison.Ordinal);
        var entries = host.AuditText.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(2, entries.Count);
        Assert.Equal((null, 0), ((int?)entries[0]["exit"], (int?)entries[1]["exit"]));
        Assert.Equal("loopback", (string?)entries[0]["who"]);
        Assert.Equal((string?)entries[0]["request"], (string?)entries[1]["request"]);
    }

    [Fact]
    public async Task A_change_without_a_writable_audit_log_is_refused()
    {
        await using var host = await OpsHost.StartAsync();
        Directory.CreateDirectory(Path.Combine(host.DataDirectory, "audit.log"));
        host.Router.Answer = (_, _) => ScriptedRouter.Done(Views.Session(), ProtocolJson.Default.SessionView);
        var (_, errors, exit) = await RunAsync(host, "session", "suspend", "photos");
        Assert.Equal(3, exit);
        Assert.Contains("Nothing was done", errors.Single(), StringComparison.Ordinal);
        Assert.Empty(host.Router.Seen);
        Directory.Delete(Path.Combine(host.DataDirectory, "audit.log"));
    }

    [Fact]
    public async Task Refusals_and_undecided_commands_have_their_sentence_and_exit()
    {
        await using var host = await OpsHost.StartAsync();
        host.Router.Answer = (_, _) => CommandReply.Refuse(404, ProblemCodes.SessionNotFound, "There is no session photos.");
        var (_, errors, exit) = await RunAsync(host, "session", "show", "photos");
        Assert.Equal((1, "There is no session photos. (sessionNotFound)"), (exit, errors.Single()));
        host.Router.Answer = (_, _) => new CommandReply.Unavailable(UnavailableReason.Storage, TimeSpan.FromSeconds(2), "The disk is full.");
        (_, errors, exit) = await RunAsync(host, "session", "show", "photos");
        Assert.Equal(3, exit);
        Assert.Contains("The disk is full.", errors.Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tail_of_a_task_shows_events_and_progress_until_it_ends()
    {
        await using var host = await OpsHost.StartAsync();
        var step = 0;
        host.Router.Answer = (_, command) => command switch
        {
            SessionCommand.Describe => ScriptedRouter.Done(Views.Session(lastEvent: 4), ProtocolJson.Default.SessionView),
            SessionCommand.GetTask => ScriptedRouter.Done(
                step++ switch
                {
                    0 => Views.Task(),
                    1 => Views.Task(received: 768),
                    _ => Views.Task(state: "completed", received: 1024, outcome: "succeeded"),
                }, ProtocolJson.Default.TaskView),
            SessionCommand.ReadEvents { After: < 6 } read when step > 2 => ScriptedRouter.Done(
                new EventPage
                {
                    Events = [Views.Event(5, "taskStarted", "t2"), Views.Event(6, "taskCompleted", "t1", """{"url":"https://example.org/x?token=1"}""")],
                    Last = 6,
                    Acknowledged = 0,
                }, ProtocolJson.Default.EventPage),
            SessionCommand.ReadEvents => ScriptedRouter.Done(new EventPage { Events = [], Last = 6, Acknowledged = 0 }, ProtocolJson.Default.EventPage),
            _ => throw new InvalidOperationException(command.ToString()),
        };
        var (lines, _, exit) = await RunAsync(host, "task", "tail", "photos", "t1");
        Assert.Equal(0, exit);
        Assert.Equal(
        [
            "progress | running | - | 50 % | 512 B",
            "progress | running | - | 75 % | 768 B",
            "progress | completed | succeeded | 100 % | 1.0 KiB",
            """6 | 2026-11-21T12:00:00.000Z | taskCompleted | t1 | {"url":"https://example.org/x?..."}""",
            "Count: 1 event",
        ], lines);
    }

    [Fact]
    public async Task Closing_the_streams_ends_a_tail_with_an_exit()
    {
        await using var host = await OpsHost.StartAsync();
        using var http = new HttpClient { BaseAddress = host.Address };
        using var request = Execute(false, "log", "tail", "-n", "0");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
        // The follower must be there before the line is logged: log until one arrives.
        var first = reader.ReadLineAsync(Stop).AsTask();
        while (!first.IsCompleted)
        {
            host.Logger("Backhaul.Test").LogWarning("Disk {Name} is slow", "sda");
            await Task.WhenAny(first, Task.Delay(TimeSpan.FromMilliseconds(20), Stop));
        }
        Assert.Contains("Disk sda is slow", await first, StringComparison.Ordinal);
        host.Readiness.CloseStreams();
        var rest = await reader.ReadToEndAsync(Stop);
        Assert.EndsWith("{\"exit\":0}\n", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_level_changes_at_run_time_for_everyone_and_is_audited()
    {
        await using var host = await OpsHost.StartAsync();
        var log = host.Logger("Backhaul.Node.Sessions");
        Assert.False(log.IsEnabled(LogLevel.Debug));
        Assert.Equal("*        | information | default", (await RunAsync(host, "log", "level", "debug")).Lines[1]);
        Assert.True(log.IsEnabled(LogLevel.Debug));
        Assert.False(host.Logger("Microsoft.Extensions").IsEnabled(LogLevel.Debug));
        Assert.Contains("\"level\",\"debug\"", host.AuditText, StringComparison.Ordinal);
        var before = host.AuditText.Length;
        Assert.Equal("Backhaul | debug       | operator", (await RunAsync(host, "log", "level")).Lines[2]);
        Assert.Equal(before, host.AuditText.Length);
    }

    [Fact]
    public async Task Drain_is_begun_after_its_line()
    {
        await using var host = await OpsHost.StartAsync();
        Assert.Equal(0, (await RunAsync(host, confirmed: true, "system", "drain", "--reason", "update")).Exit);
        Assert.Equal(1, host.Drain.Begun);
    }

    [Fact]
    public async Task Actors_are_shown_as_a_tree()
    {
        await using var host = await OpsHost.StartAsync();
        var (lines, _, exit) = await RunAsync(host, "actor", "hierarchy", "-d", "1");
        Assert.Equal(
        [
            "Actor    | Class        | State   | Inbox | Handled | Children",
            "/shard-7 | ShardHost    | running | 0     | 20      | 1",
            "  photos | SessionActor | running | 3     | 17      | 1 (1 not shown)",
            "Count: 2 actors",
        ], lines);
        Assert.Equal(0, exit);
        Assert.Equal(1, (await RunAsync(host, "actor", "hierarchy", "-s", "/nowhere")).Exit);
        Assert.Equal(
        [
            "Actor                        | Class       | State   | Inbox | Handled | Children",
            "/idle                        | ActorSystem | running | 0     | 0       | 5",
            "  shard-9                    | ShardHost   | running | 2     | 1       | 0",
            "  (4 more, --all shows them) | ShardHost   | idle    | 0     | -       | 0",
            "Count: 6 actors",
        ], (await RunAsync(host, "actor", "hierarchy", "-s", "/idle")).Lines);
        Assert.Equal(6 + 2, (await RunAsync(host, "actor", "hierarchy", "-s", "/idle", "--all")).Lines.Count);
    }

    [Fact]
    public async Task Health_and_metrics_are_served_and_clients_routes_are_not()
    {
        await using var host = await OpsHost.StartAsync();
        using var http = new HttpClient { BaseAddress = host.Address };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/live", Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await http.GetAsync("/health/ready", Stop)).StatusCode);
        host.Readiness.BecomeReady();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/ready", Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/v1/sessions", Stop)).StatusCode);
        var metrics = await http.GetStringAsync("/metrics", Stop);
        foreach (var name in new[] { "backhaul_session_active", "backhaul_shard_owned", "backhaul_mailbox_depth_max", "dotnet_gc_collections_total", "kestrel_active_connections" })
            Assert.Contains($"# TYPE {name} ", metrics, StringComparison.Ordinal);
        Assert.Contains("backhaul_mailbox_depth_max 3\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_machine_may_only_reach_the_port_with_keys_configured()
    {
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => OpsHost.StartAsync(null, ("Backhaul:Ops:Url", "http://0.0.0.0:0")));
        Assert.Contains("Backhaul:Security:Keys", refused.Message, StringComparison.Ordinal);
        await using var host = await OpsHost.StartAsync(
            services => services.AddSingleton<IOperatorKeys>(new OneKey("k", OperatorRole.Viewer)), ("Backhaul:Ops:Url", "http://0.0.0.0:0"));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{host.Address.Port}") };
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health/live", Stop)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/metrics", Stop)).StatusCode);
        http.DefaultRequestHeaders.Authorization = new("Bearer", "k");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/metrics", Stop)).StatusCode);
        var records = await ReadAsync(await http.SendAsync(Execute(true, "session", "force-quit", "photos"), Stop));
        Assert.Equal(4, (int?)records[^1]["exit"]);
        Assert.Contains("viewer", (string?)records[0]["error"], StringComparison.Ordinal);
        Assert.Empty(host.Router.Seen);
    }

    [Fact]
    public async Task A_taken_port_is_said_with_what_to_do()
    {
        await using var first = await OpsHost.StartAsync();
        var failure = await Assert.ThrowsAsync<OpsAddressException>(() => OpsHost.StartAsync(null, ("Backhaul:Ops:Url", $"http://127.0.0.1:{first.Address.Port}")));
        Assert.Contains("Backhaul:Ops:Url", failure.Message, StringComparison.Ordinal);
    }

    private static SessionHead Head(string key, long lastNumber) =>
        new(SessionKey.Parse(key), 7, lastNumber, 1, lastNumber, "active", 1, 0, null);

    private sealed class OneKey(string key, OperatorRole role) : IOperatorKeys
    {
        public bool Any => true;

        public OperatorIdentity? Find(string presented) => presented == key ? new OperatorIdentity("test", role) : null;
    }
}
