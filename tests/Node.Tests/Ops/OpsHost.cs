using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Ops;
using Backhaul.Node.Ops.Palettes;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Sweeping;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Backhaul.Node.Tests.Ops;

/// <summary>A host with the operator's edge on a free port, and scripted sessions behind it.</summary>
internal sealed class OpsHost : IAsyncDisposable
{
    private readonly IHost _host;

    private OpsHost(IHost host, string data)
    {
        _host = host;
        DataDirectory = data;
    }

    /// <summary>The incarnation of this node.</summary>
    public static readonly NodeId Me = new(new Guid(1, 0, 0, new byte[8]));

    public string DataDirectory { get; }

    public NodeShards Shards => _host.Services.GetRequiredService<NodeShards>();

    public Uri Address => _host.Services.GetRequiredService<OpsEdge>().Address!;

    public ScriptedRouter Router => (ScriptedRouter)_host.Services.GetRequiredService<ICommandRouter>();

    public HeadList Heads => (HeadList)_host.Services.GetRequiredService<IJournalStore>();

    public RecordedDrain Drain => (RecordedDrain)_host.Services.GetRequiredService<INodeDrain>();

    public NodeReadiness Readiness => _host.Services.GetRequiredService<NodeReadiness>();

    public ILogger Logger(string category) => _host.Services.GetRequiredService<ILoggerFactory>().CreateLogger(category);

    public string AuditText => File.Exists(Path.Combine(DataDirectory, "audit.log")) ? File.ReadAllText(Path.Combine(DataDirectory, "audit.log")) : "";

    public static async Task<OpsHost> StartAsync(Action<IServiceCollection>? more = null, params (string Key, string Value)[] settings)
    {
        var data = Directory.CreateTempSubdirectory("backhaul-ops-").FullName;
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Backhaul:Ops:Url"] = "http://127.0.0.1:0",
            ["Backhaul:Ops:TailInterval"] = "00:00:00.050",
            ["Backhaul:Node:Name"] = "node-1",
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(s => new KeyValuePair<string, string?>(s.Key, s.Value)));
        builder.Services.AddLogging();
        builder.Services.AddMetrics();
        builder.Services.AddTelemetry(builder.Configuration);
        builder.Services.AddSingleton<ICommandRouter, ScriptedRouter>();
        builder.Services.AddSingleton<IJournalStore, HeadList>();
        builder.Services.AddSingleton<INodeDrain, RecordedDrain>();
        builder.Services.AddSingleton<NodeReadiness>();
        builder.Services.AddSingleton(new SessionFeed(new DeliveryOptions()));
        builder.Services.AddSingleton<DescribeActors>(Tree);
        AddContainers(builder.Services, data);
        more?.Invoke(builder.Services);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(new ShardingOptions { ShardCount = 4 });
        builder.Services.AddSingleton(static s => new NodeShards(
            new ActorSystem(s.GetRequiredService<TimeProvider>(), new SystemRandom(), s.GetRequiredService<ILoggerFactory>(), ActorScheduler.ThreadPool),
            s.GetRequiredService<IJournalStore>(), (_, _) => throw new NotSupportedException(), new AlwaysTrusted(), Me, s.GetRequiredService<ShardingOptions>(),
            s.GetRequiredService<ILoggerFactory>()));
        builder.Services.AddSingleton<IOriginStore>(new MemoryOriginStore(new MemoryJournalStore(TimeProvider.System)));
        builder.Services.AddSingleton(static s => new Governor(new TransferOptions(), TimeProvider.System));
        builder.Services.AddSingleton(new NodeConditions("node-1"));
        builder.Services.AddSingleton<NetworkBook>();
        builder.Services.AddSingleton(static s => new OriginDeals(
            s.GetRequiredService<IOriginStore>(), s.GetRequiredService<Governor>().Gates, new OriginOptions(), new NodeId(Guid.NewGuid()), TimeProvider.System,
            s.GetRequiredService<ILogger<OriginDeals>>()));
        builder.Services.AddSingleton(new KeyRing(new SecurityOptions()));
        builder.Services.AddOps(
            builder.Configuration.GetSection("Backhaul:Ops").Get<OpsOptions>()!, NodeFacts.Gather(builder.Configuration, data, TimeProvider.System));
        var host = builder.Build();
        try
        {
            await host.StartAsync();
        }
        catch
        {
            host.Dispose();
            throw;
        }
        return new OpsHost(host, data);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        Directory.Delete(DataDirectory, recursive: true);
    }

    private static void AddContainers(IServiceCollection services, string data)
    {
        var table = new ContainerTable(new Dictionary<ContainerName, ContainerOptions> { [ContainerName.Default] = new() { Path = Path.Combine(data, "files") } });
        services.AddSingleton(_ => new FileThreads(1));
        services.AddSingleton(s => DiskContainers.Open(
            table, s.GetRequiredService<FileThreads>(), new LinuxDiskCalls(), new CrashPoints(new FaultOptions(), s.GetRequiredService<ILogger<CrashPoints>>()),
            new Version7Ids(TimeProvider.System), TimeProvider.System, s.GetRequiredService<ILogger<DiskContainers>>()));
        services.AddSingleton<ILeftovers>(s => new DiskLeftovers(
            s.GetRequiredService<DiskContainers>(), table, new FilesOptions(), s.GetRequiredService<FileThreads>(), TimeProvider.System));
        services.AddSingleton(new SweeperOptions());
        services.AddSingleton<ReferenceFinder>();
        services.AddSingleton<Sweeper>();
    }

    private static ActorTree? Tree(string? underPath, int depth)
    {
        ActorTree task = new("/shard-7/default/photos/task-t1", "TaskActor", "running", 0, 4, 0, []);
        ActorTree session = new("/shard-7/default/photos", "SessionActor", "running", 3, 17, 1, depth >= 2 ? [task] : []);
        ActorTree shard = new("/shard-7", "ShardHost", "running", 0, 20, 1, depth >= 1 ? [session] : []);
        return underPath switch
        {
            null or "/shard-7" => shard,
            "/idle" => new("/idle", "ActorSystem", "running", 0, 0, 5, [
                .. Enumerable.Range(0, 4).Select(i => new ActorTree($"/idle/shard-{i}", "ShardHost", "running", 0, 1, 0, [])),
                new("/idle/shard-9", "ShardHost", "running", 2, 1, 0, []),
            ]),
            _ => null,
        };
    }
}

/// <summary>Answers commands as the test says.</summary>
internal sealed class ScriptedRouter : ICommandRouter
{
    public ConcurrentQueue<(SessionKey Session, SessionCommand Command)> Seen { get; } = new();

    public Func<SessionKey, SessionCommand, CommandReply> Answer { get; set; } =
        static (_, command) => CommandReply.Refuse(404, ProblemCodes.SessionNotFound, $"No answer is scripted for {command.GetType().Name}.");

    public ValueTask<CommandReply> ExecuteAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline, CancellationToken stop)
    {
        Seen.Enqueue((session, command));
        return new ValueTask<CommandReply>(Answer(session, command));
    }

    public static CommandReply Done<T>(T body, JsonTypeInfo<T> type, int status = 200) =>
        new CommandReply.Done(status, JsonSerializer.SerializeToUtf8Bytes(body, type));
}

internal sealed class RecordedDrain : INodeDrain
{
    public int Begun { get; private set; }

    public void Begin() => Begun++;
}

/// <summary>A store that only knows heads.</summary>
internal sealed class HeadList : IJournalStore
{
    public List<SessionHead> Heads { get; } = [];

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) =>
        new(Page([.. Heads
            .Where(h => tenant is null || h.Session.Tenant == tenant)
            .OrderBy(h => h.Session.ToString(), StringComparer.Ordinal)
            .Where(h => afterKey is null || string.CompareOrdinal(h.Session.ToString(), afterKey) > 0)
            .Take(rowsMax)], rowsMax));

    private static SessionPage Page(List<SessionHead> heads, int rowsMax) => new(heads, heads.Count == rowsMax ? heads[^1].Session.ToString() : null);

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) =>
        throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        throw new NotSupportedException();
}

/// <summary>Views that scripted sessions answer with.</summary>
internal static class Views
{
    public static readonly DateTimeOffset Noon = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    public static SessionView Session(string identifier = "photos", long lastEvent = 0, long acknowledged = 0) => new()
    {
        Identifier = identifier,
        Generation = 1,
        State = "active",
        CreatedAt = Noon,
        Configuration = new SessionConfiguration(),
        ConfigurationVersion = 1,
        Counts = new TaskCounts { Suspended = 0, Waiting = 2, Running = 1, Canceling = 0, Succeeded = 4, Failed = 0, Cancelled = 0, Expired = 0 },
        LastEvent = lastEvent,
        Acknowledged = acknowledged,
        Attached = false,
    };

    public static TaskView Task(string id = "t1", string state = "running", long received = 512, string? outcome = null) => new()
    {
        Id = id,
        Kind = "download",
        Url = "https://example.org/a.bin?signature=secret",
        Method = "GET",
        State = state,
        Outcome = outcome,
        Priority = 0.5,
        Progress = new TaskProgress { BytesReceived = received, BytesSent = 0, TotalToReceive = 1024, Generation = 0 },
        Attempts = 1,
        CreatedAt = Noon,
    };

    public static EventView Event(long number, string type, string? task = null, string data = "{}") => new()
    {
        Number = number,
        Type = type,
        At = Noon,
        Task = task,
        Data = JsonDocument.Parse(Encoding.UTF8.GetBytes(data)).RootElement,
    };
}
