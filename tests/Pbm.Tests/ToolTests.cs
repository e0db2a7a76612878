using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Ops;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Pbm.Tests;

public sealed class ToolTests
{
    [Fact]
    public async Task One_command_gives_its_lines_and_its_exit_code()
    {
        await using var host = await HostAsync();
        var (exit, said, complained) = await RunAsync(host, "session", "show", "photos");
        Assert.Equal((0, ""), (exit, complained));
        Assert.Matches(@"identifier\s+\| photos", said);
        Assert.EndsWith("Count: 7 tasks\n", said, StringComparison.Ordinal);

        (exit, said, complained) = await RunAsync(host, "session", "jump");
        Assert.Equal((2, ""), (exit, said));
        Assert.Contains("session has no command 'jump'", complained, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_is_one_document_a_line()
    {
        await using var host = await HostAsync();
        var (exit, said, _) = await RunAsync(host, "--json", "session", "show", "photos");
        Assert.Equal(0, exit);
        Assert.Equal("photos", (string?)JsonNode.Parse(said)!["identifier"]);
        Assert.Equal(said, (await RunAsync(host, "session", "show", "photos", "--json")).Said);
    }

    [Fact]
    public async Task Without_a_person_a_destructive_command_needs_yes()
    {
        await using var host = await HostAsync();
        var (exit, _, complained) = await RunAsync(host, "session", "force-quit", "photos");
        Assert.Equal(2, exit);
        Assert.Contains("say --yes", complained, StringComparison.Ordinal);
        Assert.Empty(host.Router.Seen);
        Assert.Equal(0, (await RunAsync(host, "session", "force-quit", "photos", "--yes", "--reason", "test")).Exit);
        Assert.IsType<SessionCommand.End>(host.Router.Seen.Single().Command);
    }

    [Fact]
    public async Task A_person_is_asked_and_may_say_no()
    {
        await using var host = await HostAsync();
        var terminal = new ScriptedTerminal(isInteractive: true).Types("n");
        Assert.Equal(1, await Tool.RunAsync([Node(host), "task", "cancel", "photos", "t1"], terminal));
        Assert.Empty(host.Router.Seen);
        Assert.Contains("Go on? [y/N]", terminal.Said, StringComparison.Ordinal);
        Assert.Equal(0, await Tool.RunAsync([Node(host), "task", "cancel", "photos", "t1"], new ScriptedTerminal(isInteractive: true).Types("y")));
        Assert.Single(host.Router.Seen);
    }

    [Fact]
    public async Task A_script_runs_to_the_first_command_that_fails()
    {
        await using var host = await HostAsync();
        var terminal = new ScriptedTerminal(isInteractive: false).Pipes("# a comment", "", "session show 'photos'", "session show", "session show photos");
        Assert.Equal(2, await Tool.RunAsync([Node(host)], terminal));
        Assert.Single(host.Router.Seen);
        Assert.Contains("The script ended at line 4", terminal.Complained, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_shell_completes_runs_remembers_and_leaves()
    {
        await using var host = await HostAsync();
        using var state = new StateHome();
        var terminal = new ScriptedTerminal(isInteractive: true)
            .Types("sess").Presses(ScriptedTerminal.Tab).Types("sh").Presses(ScriptedTerminal.Tab).Types("photos").Presses(ScriptedTerminal.Enter)
            .Types("help task why").Presses(ScriptedTerminal.Enter)
            .Types("no such").Presses(ScriptedTerminal.Enter)
            .Presses(ScriptedTerminal.Up, ScriptedTerminal.Up, ScriptedTerminal.Up, ScriptedTerminal.Enter)
            .Types("exit").Presses(ScriptedTerminal.Enter);
        Assert.Equal(0, await Tool.RunAsync([Node(host)], terminal));
        var said = terminal.Said;
        Assert.Contains($"[{Node(host)}] pbm> ", said, StringComparison.Ordinal);
        Assert.Equal(2, said.Split("Count: 7 tasks").Length - 1);
        Assert.Contains("Usage: task why SESSION TASK [--tenant TENANT] [--json]", said, StringComparison.Ordinal);
        Assert.Contains("There is no palette 'no'", terminal.Complained, StringComparison.Ordinal);
        Assert.Equal(["session show photos", "help task why", "no such", "session show photos", "exit"], History.Load(History.DefaultPath()).Lines.ToArray());
    }

    [Fact]
    public async Task Control_c_ends_a_tail_and_not_the_shell()
    {
        await using var host = await HostAsync();
        using var state = new StateHome();
        var terminal = new ScriptedTerminal(isInteractive: true).Types("log tail").Presses(ScriptedTerminal.Enter);
        var shell = Task.Run(() => Tool.RunAsync([Node(host)], terminal), TestContext.Current.CancellationToken);
        host.Logger("Backhaul.Test").LogInformation("something happened");
        await UntilAsync(() => terminal.Said.Contains("something happened", StringComparison.Ordinal));
        terminal.Interrupt();
        terminal.Types("session show photos").Presses(ScriptedTerminal.Enter, ScriptedTerminal.ControlD);
        Assert.Equal(0, await shell.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Contains("Count: 7 tasks", terminal.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_node_is_said_with_what_to_check()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();
        var terminal = new ScriptedTerminal(isInteractive: false);
        Assert.Equal(ExitCodes.NotReachable, await Tool.RunAsync([$"127.0.0.1:{port}", "session", "list"], terminal));
        Assert.Contains("Check that the node runs", terminal.Complained, StringComparison.Ordinal);
    }

    /// <summary>It was taken for a command, and sent to the node of the default address.</summary>
    [Theory]
    [InlineData("node-1:911O")]
    [InlineData("node-1:")]
    [InlineData("10.0.0.5:9110/x")]
    public async Task A_misspelt_address_is_no_command(string address)
    {
        var terminal = new ScriptedTerminal(isInteractive: false);
        Assert.Equal(ExitCodes.Usage, await Tool.RunAsync([address, "session", "list"], terminal));
        Assert.Contains($"'{address}' is no address of a node. Write host:port", terminal.Complained, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_port_for_clients_is_not_the_operators_one()
    {
        using var clients = new TcpListener(IPAddress.Loopback, 0);
        clients.Start();
        var answering = AnswerAsync(clients, """{"status":404,"code":"notFound","detail":"There is nothing at this path. The API is described at /openapi/v1.json."}""");
        var terminal = new ScriptedTerminal(isInteractive: false);
        Assert.Equal(ExitCodes.NotReachable, await Tool.RunAsync([$"127.0.0.1:{((IPEndPoint)clients.LocalEndpoint).Port}", "session", "list"], terminal));
        await answering;
        Assert.Contains("not the operator's port of a node", terminal.Complained, StringComparison.Ordinal);
    }

    private static async Task AnswerAsync(TcpListener listener, string problem)
    {
        using var connection = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        await using var stream = connection.GetStream();
        _ = await stream.ReadAsync(new byte[4096], TestContext.Current.CancellationToken);
        var answer = $"HTTP/1.1 404 Not Found\r\nContent-Type: application/problem+json\r\nContent-Length: {problem.Length}\r\nConnection: close\r\n\r\n{problem}";
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Help_and_version_need_no_node()
    {
        var terminal = new ScriptedTerminal(isInteractive: false);
        Assert.Equal(0, await Tool.RunAsync(["--help"], terminal));
        Assert.Contains("Usage: pbm [host:port]", terminal.Said, StringComparison.Ordinal);
        Assert.Equal(0, await Tool.RunAsync(["--version"], terminal));
    }

    private static async Task<OpsHost> HostAsync()
    {
        var host = await OpsHost.StartAsync();
        host.Router.Answer = static (_, command) => command switch
        {
            SessionCommand.CancelTask => ScriptedRouter.Done(Views.Task(state: "canceling"), ProtocolJson.Default.TaskView, 202),
            _ => ScriptedRouter.Done(Views.Session(), ProtocolJson.Default.SessionView),
        };
        return host;
    }

    private static string Node(OpsHost host) => $"127.0.0.1:{host.Address.Port}";

    private static async Task<(int Exit, string Said, string Complained)> RunAsync(OpsHost host, params string[] words)
    {
        var terminal = new ScriptedTerminal(isInteractive: false);
        var exit = await Tool.RunAsync([Node(host), .. words], terminal);
        return (exit, terminal.Said, terminal.Complained);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
            await Task.Delay(20, limit.Token);
    }

    /// <summary>A home for the history of one test.</summary>
    private sealed class StateHome : IDisposable
    {
        private readonly string? _before = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        private readonly string _directory = Directory.CreateTempSubdirectory("pbm-state-").FullName;

        public StateHome() => Environment.SetEnvironmentVariable("XDG_STATE_HOME", _directory);

        public void Dispose()
        {
            Environment.SetEnvironmentVariable("XDG_STATE_HOME", _before);
            Directory.Delete(_directory, recursive: true);
        }
    }
}
