using Xunit;

namespace Backhaul.Architecture.Tests;

/// <summary>
/// Time, randomness, threads and outbound connections come in through seams, so that a simulator can own them. The analyzer refuses
/// the banned members while compiling; these tests refuse switching the analyzer off, and look at what was compiled.
/// </summary>
public sealed class BannedApiTests
{
    /// <summary>Banned in the compiled node: type, member (null: all of it), and who may use it nevertheless, with the reason.</summary>
    private static readonly Ban[] Bans =
    [
        new("System.DateTime", "get_Now"), new("System.DateTime", "get_UtcNow"), new("System.DateTime", "get_Today"),
        new("System.DateTimeOffset", "get_Now"), new("System.DateTimeOffset", "get_UtcNow"),
        new("System.Diagnostics.Stopwatch", null),
        new("System.Environment", "get_TickCount"), new("System.Environment", "get_TickCount64"),
        new("System.Guid", "NewGuid"), new("System.Guid", "CreateVersion7"),
        new("System.Random", null),
        new("System.Threading.Tasks.Task", "Run"), new("System.Threading.Tasks.TaskFactory", "StartNew"),
        new("System.Threading.Tasks.Task", "ConfigureAwait"), new("System.Threading.Tasks.ValueTask", "ConfigureAwait"),
        new("System.Threading.Timer", null), new("System.Timers.Timer", null), new("System.Threading.PeriodicTimer", null),
        new("System.Threading.Thread", "Sleep"), new("System.Threading.Tasks.Parallel", null),
        new("System.Net.Http.Headers.HttpHeaders", "TryAddWithoutValidation"),
        new("System.Threading.Thread", ".ctor"), new("System.Threading.ThreadPool", null),
    ];

    /// <summary>Uses that are right, and why. A line that nothing needs any more fails the test.</summary>
    private static readonly IReadOnlyDictionary<string, string> Excused = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Backhaul.Node.Actors.SystemRandom uses Random.get_Shared"] = "the seam itself",
        ["Backhaul.Node.Actors.SystemRandom uses Random.NextDouble"] = "the seam itself",
        ["Backhaul.Node.Actors.Version7Ids uses Guid.CreateVersion7"] = "the seam itself",
        ["Backhaul.Node.Actors.ActorScheduler uses ThreadPool.UnsafeQueueUserWorkItem"] = "the seam itself: the simulator brings another scheduler",
        ["Backhaul.Node.Files.FileThreads uses Thread..ctor"] = "IFileWork: blocking file calls leave the logic's thread here, and only here",
        ["Backhaul.Node.Journal.Postgres.LeaseLine uses Thread..ctor"] = "the heartbeat's own line: nothing else may delay a renewal",
        ["Backhaul.Node.Sharding.Membership.LeaseThread uses Thread..ctor"] = "the heartbeat has a thread of its own: a starved pool must not make a node look dead",
        ["Backhaul.Node.Journal.Sqlite.SqliteThread uses Thread..ctor"] = "the one thread of the one exclusive connection (docs/decisions/0008)",
    };

    [Fact]
    public void The_compiled_node_uses_no_banned_member_without_a_reason()
    {
        var found = (from use in NodeAssembly.Instance.Uses
                     where NodeAssembly.IsOfNode(use.User) || use.User.Namespace.Length == 0
                     from ban in Bans
                     where ban.Type == use.Type.ToString() && (ban.Member ?? use.Member) == use.Member && use.Member is not null
                     select $"{use.User} uses {use.Type.Name}.{use.Member}").Distinct().Order(StringComparer.Ordinal).ToList();
        Check.None(found.Where(line => !Excused.ContainsKey(line)), "Banned in the node; bring it in through a seam, or excuse it here with its reason:");
        Check.None(Excused.Keys.Where(line => !found.Contains(line)), "Excused, but nothing does it any more:");
    }

    [Fact]
    public void Delays_and_deadlines_name_their_clock()
    {
        var text = Repository.Read("BannedSymbols.txt");
        foreach (var overload in new[]
                 {
                     "Task.Delay(System.Int32)", "Task.Delay(System.TimeSpan)", "Task.Delay(System.Int32,System.Threading.CancellationToken)",
                     "Task.Delay(System.TimeSpan,System.Threading.CancellationToken)", "CancellationTokenSource.#ctor(System.TimeSpan)",
                     "CancellationTokenSource.#ctor(System.Int32)",
                 })
            Assert.Contains(overload, text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_list_is_wired_into_the_node_and_covers_every_ban()
    {
        Assert.Contains("BannedSymbols.txt", Repository.Read("src/Node/Backhaul.Node.csproj"), StringComparison.Ordinal);
        Assert.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", Repository.Read("Directory.Build.props"), StringComparison.Ordinal);
        Assert.Contains("<TreatWarningsAsErrors>true", Repository.Read("Directory.Build.props"), StringComparison.Ordinal);
        var listed = Repository.Read("BannedSymbols.txt");
        foreach (var type in Bans.Where(ban => !ban.CheckedHereOnly).Select(ban => ban.Type).Distinct(StringComparer.Ordinal))
            Assert.Contains(type, listed, StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_switches_the_analyzer_off()
    {
        var offenders = Repository.Files("src", ".cs").Concat(Repository.Files("src", ".csproj")).Append(".editorconfig").Append("Directory.Build.props")
            .Where(file => Repository.Read(file).Contains("RS0030", StringComparison.Ordinal));
        Assert.Equal(Suppressing, offenders);
    }

    [Fact]
    public void Outbound_connections_are_opened_in_one_place_and_those_to_peers_in_another()
    {
        // peers are not origins: their addresses are private by nature and come from the store, so the address policy does not concern them
        const string peers = "Backhaul.Node.Routing.Peers.PeerClients";
        string[] openers =
        [
            "System.Net.Http.SocketsHttpHandler", "System.Net.Http.HttpClient", "System.Net.Http.HttpClientHandler", "System.Net.Http.HttpMessageInvoker",
            "System.Net.Sockets.Socket", "System.Net.Sockets.TcpClient", "System.Net.WebSockets.ClientWebSocket",
        ];
        var constructions = NodeAssembly.Instance.Constructions.Where(use => openers.Contains(use.Type.ToString())).ToList();
        Check.None(constructions.Where(use => use.User.Namespace != "Backhaul.Node.Egress" && use.User.ToString() != peers).Select(use => $"{use.User} makes a {use.Type.Name}"), "Connections opened outside Egress:");
        Assert.Single(constructions, use => use.Type.Name == "SocketsHttpHandler" && use.User.ToString() != peers);
    }

    /// <summary>Files that may say <c>#pragma warning disable RS0030</c>: the seams' own implementations.</summary>
    private static readonly string[] Suppressing = ["src/Node/Actors/SystemSources.cs"];

    private sealed record Ban(string Type, string? Member)
    {
        /// <summary>Thread and ThreadPool are legal words for the analyzer (Thread.CurrentThread); making threads is refused here.</summary>
        public bool CheckedHereOnly => Type is "System.Threading.ThreadPool" or "System.Threading.Tasks.TaskFactory" || (Type == "System.Threading.Thread" && Member == ".ctor");
    }
}
