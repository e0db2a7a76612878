using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;
using Backhaul.World;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

/// <summary>A node's shards and router over the memory store, in virtual time, with sessions that do what a test tells them.</summary>
internal sealed class ShardWorld
{
    public static readonly SessionKey Orders = SessionKey.Parse("acme/orders");
    public static readonly SessionKey Reports = SessionKey.Parse("acme/reports");

    public ShardWorld(ShardingOptions? options = null, RoutingOptions? routing = null, int seed = 5)
    {
        World = new VirtualWorld(seed);
        Store = new MemoryJournalStore(World.Time);
        System = World.NewActorSystem();
        Options = options ?? new ShardingOptions { ShardCount = 4 };
        Shards = new NodeShards(System, Store, Create, Trust, new NodeId(World.Random.Next()), Options, World.Loggers);
        Ownership = new EmbeddedOwnership(Shards, Store, Exit, Options, World.Time, World.Loggers);
        Router = new CommandRouter(new LocalCommands(Shards, World.Time), routing ?? new RoutingOptions(), World.Time, World.Random, World.Loggers.CreateLogger<CommandRouter>());
    }

    public VirtualWorld World { get; }

    public MemoryJournalStore Store { get; }

    public ActorSystem System { get; }

    public ShardingOptions Options { get; }

    public NodeShards Shards { get; }

    public SwitchedTrust Trust { get; } = new();

    public RecordedExit Exit { get; } = new();

    public EmbeddedOwnership Ownership { get; }

    public CommandRouter Router { get; }

    public SessionScript Script { get; } = new();

    /// <summary>When the body fails, what was logged comes along.</summary>
    public void Run(Func<Task> body)
    {
        try
        {
            World.Run(body);
            Assert.Equal(0, World.Scheduler.ForeignWork);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"{failure.Message}\n{string.Join('\n', World.Loggers.Lines)}", failure);
        }
    }

    /// <summary>Runs the body on a node that was started.</summary>
    public void RunStarted(Func<Task> body) => Run(async () =>
    {
        await Ownership.StartAsync(CancellationToken.None);
        await body();
    });

    public ValueTask<CommandReply> AskAsync(SessionKey session, string text = "hello", double withinSeconds = 30, bool withKey = true) =>
        Router.ExecuteAsync(
            session, ScriptedSession.CommandOf(text), withKey ? new CommandKey(new CommandId(World.Random.Next()), 1) : null,
            TimeSpan.FromSeconds(withinSeconds), CancellationToken.None);

    /// <summary>Past the router: straight into the shard's mailbox.</summary>
    public Task<CommandReply> Post(SessionKey session, string text)
    {
        var reply = new Request<CommandReply>();
        Assert.True(Shards.HostOf(session).Actor!.TryPost(new ShardMessage.Execute(session, ScriptedSession.CommandOf(text), null, reply)));
        return reply.Reply;
    }

    /// <summary>Heads in the journal, as sessions that ran before would have left them.</summary>
    public async Task WriteHeadsAsync(IEnumerable<(SessionKey Session, DateTimeOffset? WakeAt)> heads)
    {
        var grants = await Store.TakeAllAsync(new NodeId(World.Random.Next()), Options.ShardCount, CancellationToken.None);
        await Store.CommitAsync(
            [.. heads.Select(head => new SessionAppend(
                grants[ShardMap.ShardOf(head.Session, Options.ShardCount)], head.Session, 1,
                [new NewRow("test.v1", new byte[] { 1 }, null, null)], new HeadUpdate("active", 1, 0, head.WakeAt), []))],
            CancellationToken.None);
    }

    public async Task UntilAsync(Func<bool> condition)
    {
        for (var n = 0; n < 100_000; n++)
        {
            if (condition())
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(10), World.Time);
        }
        Assert.Fail("The condition did not come true.\n" + string.Join('\n', World.Loggers.Lines));
    }

    public static string TextOf(CommandReply reply) => global::System.Text.Encoding.UTF8.GetString(Assert.IsType<CommandReply.Done>(reply).Json.Span);

    public static UnavailableReason ReasonOf(CommandReply reply) => Assert.IsType<CommandReply.Unavailable>(reply).Reason;

    private Actor<SessionMessage> Create(SessionKey session, ShardTenure tenure) => new ScriptedSession(session, tenure, Script);
}

/// <summary>What the lease says, as a test wants it.</summary>
internal sealed class SwitchedTrust : INodeTrust
{
    public bool IsTrusted { get; set; } = true;
}

/// <summary>Ends nothing.</summary>
internal sealed class RecordedExit : INodeExit
{
    public List<string> Sentences { get; } = [];

    public void Lost(string sentence) => Sentences.Add(sentence);
}
