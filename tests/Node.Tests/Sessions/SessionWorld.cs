using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Backhaul.World;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>One session actor over the real journal writer and the memory store, in virtual time, with scripted attempts.</summary>
internal sealed class SessionWorld : VirtualWorldHost
{
    public SessionWorld() => Store = new MemoryJournalStore(World.Time);

    public static readonly SessionKey Key = SessionKey.Parse("acme/nightly");

    public MemoryJournalStore Store { get; }

    public ScriptedRunner Runner { get; } = new();

    public SilentFeed Feed { get; } = new();

    public ScriptedWebhooks Webhooks { get; } = new();

    public NodeConditions Conditions { get; set; } = new("node-1");

    public SessionOptions Options { get; init; } = new();

    public TransferOptions Transfers { get; init; } = new();

    public OriginOptions Origins { get; init; } = new();

    /// <summary>What carries out attempts in place of <see cref="Runner"/>, and goes through the gates as the real one does.</summary>
    public Func<OriginGates, IAttemptRunner>? Engine { get; init; }

    public OriginGates Gates { get; private set; } = null!;

    public TransferSlots Slots { get; private set; } = null!;

    public TestHolder Holder { get; private set; } = null!;

    public ActorRef<SessionMessage> Session { get; private set; } = null!;

    public ActorSystem System { get; private set; } = null!;

    public JournalWriter Writer { get; private set; } = null!;

    /// <summary>What sessions reach the store through; the store itself unless the test says otherwise.</summary>
    public IJournalStore? StoreOfSessions { get; set; }

    /// <summary>A node's start: takes the shards (the epoch goes up) and starts the session.</summary>
    public async Task StartAsync(JournalOptions? journal = null)
    {
        var node = new NodeId(World.Random.Next());
        var grants = await Store.TakeAllAsync(node, 1, CancellationToken.None);
        Holder = new TestHolder(grants[0]);
        System = World.NewActorSystem();
        Gates = new OriginGates(Origins, World.Time);
        Slots = new TransferSlots(Transfers, World.Time, Gates);
        Writer = new JournalWriter(Store, journal ?? new JournalOptions(), World.Time, World.Random, World.Loggers.CreateLogger<JournalWriter>());
        Session = StartSession(Key);
    }

    /// <summary>Another session of the same shard, once the node has started.</summary>
    public ActorRef<SessionMessage> StartSession(SessionKey key)
    {
        var environment = new SessionEnvironment(
            key, Holder, Writer, StoreOfSessions ?? Store, Engine?.Invoke(Gates) ?? Runner, Slots, new Trusted(), new NoCrashPoints(), Feed, World.Time, World.Random, Options, World.Loggers)
        {
            Webhooks = Webhooks,
            Conditions = Conditions,
        };
        return System.Spawn($"session {key.Identifier}", () => new SessionActor(environment));
    }

    /// <summary>The process dies: nothing is saved, nothing is told.</summary>
    public void Crash()
    {
        Holder.Lose();
        Runner.Abandon();
    }

    public async Task<CommandReply> AskAsync(SessionCommand command, CommandKey? key = null)
    {
        var reply = new Request<CommandReply>();
        Assert.True(await Session.PostAsync(new SessionMessage.Execute(command, key, reply), CancellationToken.None));
        return await reply.Reply; // awaited as it is: WaitAsync would complete on a foreign thread, and time would jump meanwhile
    }

    public Task<CommandReply> Post(SessionCommand command, ActorRef<SessionMessage>? session = null)
    {
        var reply = new Request<CommandReply>();
        Assert.True((session ?? Session).TryPost(new SessionMessage.Execute(command, null, reply)));
        return reply.Reply;
    }

    public async Task<T> AskAsync<T>(SessionCommand command, JsonTypeInfo<T> info) =>
        JsonSerializer.Deserialize(Assert.IsType<CommandReply.Done>(await AskAsync(command)).Json.Span, info)!;

    public Task<SessionView> DescribeAsync() => AskAsync(new SessionCommand.Describe(), ProtocolJson.Default.SessionView);

    public Task<TaskView> TaskAsync(TaskId id) => AskAsync(new SessionCommand.GetTask(id), ProtocolJson.Default.TaskView);

    public async Task<IReadOnlyList<EventView>> EventsAsync() =>
        (await AskAsync(new SessionCommand.ReadEvents(0, 10_000), ProtocolJson.Default.EventPage)).Events;

    /// <param name="condition">Asked again and again.</param>
    /// <param name="every">How long in between; it is asked 2,000 times.</param>
    public async Task UntilAsync(Func<Task<bool>> condition, TimeSpan? every = null)
    {
        for (var n = 0; n < 2_000; n++)
        {
            if (await condition())
                return;
            await Task.Delay(every ?? TimeSpan.FromMilliseconds(50), World.Time);
        }
        Assert.Fail("The condition did not come true.");
    }
}

/// <summary>Runs a test's body inside a virtual world.</summary>
internal abstract class VirtualWorldHost
{
    public VirtualWorld World { get; } = new(seed: 11);

    /// <summary>Runs the body; when it fails, what was logged comes along.</summary>
    public void Run(Func<Task> body, TimeSpan? within = null)
    {
        try
        {
            World.Run(body, within);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"{failure.Message}\n{string.Join('\n', World.Loggers.Lines)}", failure);
        }
    }
}

internal sealed class TestHolder(ShardGrant grant) : IGrantHolder
{
    public bool IsSuspended { get; private set; }

    public int ShardId => grant.ShardId;

    public ShardGrant? Current { get; private set; } = grant;

    public void Lose() => Current = null;

    public void Suspend() => (Current, IsSuspended) = (null, true);

    public void OnFenced(ShardGrant refused) => Current = null;

    public void OnReacquired(ShardGrant again) => Current = again;
}

internal sealed class Trusted : ITrust
{
    public bool MayAct => true;
}

internal sealed class NoCrashPoints : ICrashPoints
{
    public void Reach(string name)
    {
    }
}

internal sealed class SilentFeed : ISessionFeed
{
    private bool _isAttached;
    private Action? _changed;

    public long Last { get; private set; }

    public void Published(SessionKey session, long lastNumber) => Last = lastNumber;

    public void Progress(SessionKey session, ProgressView progress)
    {
    }

    public void Closed(SessionKey session)
    {
    }

    public bool IsAttached(SessionKey session) => _isAttached;

    public IDisposable OnAttachment(SessionKey session, Action changed)
    {
        _changed = changed;
        return new MemoryStream(); // nothing to give up
    }

    public void Attach() => Set(true);

    public void Detach() => Set(false);

    private void Set(bool isAttached)
    {
        _isAttached = isAttached;
        _changed?.Invoke();
    }
}

/// <summary>Receivers that answer what the test says; every message is kept.</summary>
internal sealed class ScriptedWebhooks : IWebhookSender
{
    public List<WebhookMessage> Sent { get; } = [];

    /// <summary>Taken, unless the test says otherwise.</summary>
    public Func<WebhookMessage, WebhookAnswer> Answer { get; set; } = static _ => Taken;

    /// <summary>When set, answers wait for it.</summary>
    public TaskCompletionSource? Held { get; set; }

    public static WebhookAnswer Taken { get; } = new(WebhookResult.Taken, 200, null, "It answered 200.");

    public static WebhookAnswer Failed { get; } = new(WebhookResult.Failed, 500, null, "It answered 500.");

    public static WebhookAnswer Gone { get; } = new(WebhookResult.Gone, 410, null, "It answered 410: it wants no more.");

    public async ValueTask<WebhookAnswer?> SendAsync(WebhookMessage message, Func<bool> mayAct, CancellationToken stop)
    {
        if (!mayAct())
            return null;
        Sent.Add(message);
        if (Held is { } held)
        {
            await using var registration = stop.Register(() => held.TrySetCanceled(stop));
            await held.Task;
        }
        return Answer(message);
    }
}

/// <summary>Attempts that do what the test says; each is visible while it runs.</summary>
internal sealed class ScriptedRunner : IAttemptRunner
{
    public List<ScriptedAttempt> Attempts { get; } = [];

    public List<(TaskFiles Files, bool ResultToo)> Discarded { get; } = [];

    /// <summary>Attempts end by themselves with this when set.</summary>
    public AttemptOutcome? FinishAllWith { get; set; }

    public IEnumerable<ScriptedAttempt> Running => Attempts.Where(attempt => !attempt.Outcome.Task.IsCompleted && !attempt.Abandoned);

    /// <summary>Attempts that are told to stop end when the test says so.</summary>
    public bool StopsLate { get; set; }

    public async Task<AttemptOutcome> RunAsync(AttemptOrder order, IAttemptReports reports, CancellationToken stop)
    {
        var attempt = new ScriptedAttempt(order, reports);
        Attempts.Add(attempt);
        if (FinishAllWith is { } outcome)
            attempt.Outcome.TrySetResult(outcome);
        await using var registration = stop.Register(() => _ = !StopsLate && attempt.Outcome.TrySetResult(new AttemptOutcome.Stopped(0)));
        return await attempt.Outcome.Task;
    }

    public Task DiscardAsync(TaskFiles files, long epoch, bool resultToo)
    {
        Discarded.Add((files, resultToo));
        return Task.CompletedTask;
    }

    /// <summary>Parts that were kept, each with what the disk said.</summary>
    public List<KeptPart> Kept { get; } = [];

    /// <summary>What the disk says about a part that is to be kept.</summary>
    public Func<Task<KeepOutcome>> Keeps { get; set; } = IsKept;

    public static Task<KeepOutcome> IsKept() => Task.FromResult(KeepOutcome.Kept(TimeSpan.FromDays(7)));

    public Task<KeepOutcome> KeepAsync(TaskFiles files, long epoch, ITrust trust, KeptPart kept)
    {
        Kept.Add(kept);
        return Keeps();
    }

    /// <summary>Files of containers, by their path.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    public int FilesRead { get; private set; }

    public Task<byte[]?> ReadFileAsync(TenantId tenant, FileReference file, int bytesMax)
    {
        FilesRead++;
        return Task.FromResult(Files.GetValueOrDefault(file.ToString()));
    }

    /// <summary>Uploads whose target was told to forget them.</summary>
    public List<AttemptOrder> AbandonedUploads { get; } = [];

    /// <summary>Targets answer when this does.</summary>
    public Func<Task<bool>> TellTarget { get; set; } = () => Task.FromResult(true);

    public Task<bool> AbandonUploadAsync(AttemptOrder order)
    {
        AbandonedUploads.Add(order);
        return TellTarget();
    }

    public void Abandon()
    {
        foreach (var attempt in Running)
            attempt.Abandoned = true;
    }
}

internal sealed class ScriptedAttempt(AttemptOrder order, IAttemptReports reports)
{
    public AttemptOrder Order { get; } = order;

    public IAttemptReports Reports { get; } = reports;

    public bool Abandoned { get; set; }

    public TaskCompletionSource<AttemptOutcome> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
