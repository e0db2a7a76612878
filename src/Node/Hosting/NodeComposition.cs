using Backhaul.Node.Actors;
using Backhaul.Node.Api;
using Backhaul.Node.Delivery;
using Backhaul.Node.Delivery.Webhooks;
using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Files.S3;
using Backhaul.Node.Journal;
using Backhaul.Node.Ops;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sweeping;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Hosting;

/// <summary>
/// What a node is made of: every concrete type, once, in the order of the layers from below. Options are read and checked before the
/// first of them is made (<see cref="NodeSettings"/>). Nothing here decides anything, and nothing outside of here knows a concrete
/// type of another folder. The container disposes what it made in reverse: edges first, the journal's file last.
/// </summary>
internal static class NodeComposition
{
    public static void AddNode(this WebApplicationBuilder builder)
    {
        var settings = NodeSettings.Read(builder.Configuration);
        var services = builder.Services;
        AddSources(services);
        services.AddSingleton(settings.Journal);
        services.AddSingleton<JournalWriter>();
        services.AddSingleton<IJournal>(s => s.GetRequiredService<JournalWriter>());
        if (settings.Store.IsCluster)
            services.AddCluster(settings);
        else
            services.AddEmbedded(settings);
        AddFiles(services, settings);
        AddTransfers(services, settings);
        AddDelivery(services, settings);
        AddSharding(services, settings);
        AddSweeping(services, settings);
        AddApi(services, settings.Api, settings.Security);
        AddResumeDocuments(services, settings);
        services.AddTelemetry(builder.Configuration);
        services.AddOps(settings.Ops, NodeFacts.Gather(builder.Configuration, settings.DataDirectory, TimeProvider.System));
        AddLife(services, settings);
    }

    /// <summary>Routes and middleware of the client edge.</summary>
    public static void UseNode(this WebApplication app)
    {
        ClientEdge.Use(app);
        ClientEdge.Map(app);
        // Endpoints are built when they are first asked for; a fault in one of them must end the start, not the first request.
        foreach (var source in ((IEndpointRouteBuilder)app).DataSources)
            _ = source.Endpoints;
    }

    /// <summary>Time, randomness, ids: what the logic is given instead of the system's own.</summary>
    private static void AddSources(IServiceCollection services)
    {
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<IRandom, SystemRandom>();
        services.AddSingleton<IIdSource, Version7Ids>();
        services.AddSingleton<NodeReadiness>();
    }

    private static void AddFiles(IServiceCollection services, NodeSettings settings)
    {
        services.AddSingleton(settings.Files);
        services.AddSingleton(settings.Faults);
        services.AddSingleton<ICrashPoints, CrashPoints>();
        services.AddSingleton<IFileWork>(_ => new FileThreads(settings.Files.Threads));
        services.AddSingleton<IDiskCalls>(_ => new LinuxDiskCalls());
        services.AddSingleton(s => DiskContainers.Open(
            settings.Containers, s.GetRequiredService<IFileWork>(), s.GetRequiredService<IDiskCalls>(), s.GetRequiredService<ICrashPoints>(),
            s.GetRequiredService<IIdSource>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<DiskContainers>>()));
        services.AddSingleton<DiskPartFiles>();
        services.AddSingleton(s => new S3Containers(
            settings.Containers, s.GetRequiredService<OutboundClients>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<IRandom>(),
            s.GetRequiredService<IIdSource>()));
        services.AddSingleton<S3PartFiles>();
        services.AddSingleton(s => new ContainerKinds(
        [
            (s.GetRequiredService<DiskContainers>(), s.GetRequiredService<DiskPartFiles>()),
            (s.GetRequiredService<S3Containers>(), s.GetRequiredService<S3PartFiles>()),
        ]));
        services.AddSingleton<IContainers, ContainersByKind>();
        services.AddSingleton<IPartFiles, PartFilesByKind>();
        services.AddSingleton<IUploadStaging, DiskUploads>();
        services.AddSingleton<ILeftovers>(s => new DiskLeftovers(
            s.GetRequiredService<DiskContainers>(), settings.Containers, settings.Files, s.GetRequiredService<IFileWork>(), s.GetRequiredService<TimeProvider>()));
    }

    private static void AddTransfers(IServiceCollection services, NodeSettings settings)
    {
        services.AddSingleton(settings.Secrets);
        services.AddSingleton(settings.Egress);
        services.AddSingleton(settings.Transfers);
        services.AddSingleton<INameResolver, SystemNameResolver>();
        services.AddSingleton<OutboundClients>();
        services.AddSingleton<IAttemptRunner, AttemptRunner>();
        services.AddSingleton(settings.Origins);
        services.AddSingleton<Governor>();
        services.AddSingleton(s => new OriginDeals(
            s.GetRequiredService<IOriginStore>(), s.GetRequiredService<Governor>().Gates, settings.Origins, s.GetRequiredService<NodeShards>().Node,
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<OriginDeals>>())
        {
            Conditions = s.GetRequiredService<NodeConditions>(),
            Noted = new SealingWatch(s.GetRequiredService<SecretBox>(), s.GetRequiredService<ILogger<SealingAgreement>>()).Note,
        });
        services.AddSingleton(new NodeConditions(settings.Peers.Name is { Length: > 0 } name ? name : Environment.MachineName, settings.Transfers.Discretionary.ReadWindows())
        {
            Unconstrained = new UnconstrainedPlaces(
                settings.Sessions.Unconstrained.RunningMax, tenant => settings.Transfers.TenantWeights.GetValueOrDefault(tenant.ToString(), 1)),
        });
        services.AddSingleton<NetworkBook>();
        services.AddSingleton<ITransferSlots>(s => s.GetRequiredService<Governor>().Slots);
    }

    private static void AddDelivery(IServiceCollection services, NodeSettings settings)
    {
        services.AddSingleton(settings.Delivery);
        services.AddSingleton<SessionFeed>();
        services.AddSingleton(new SecretBox(settings.SecretKeys));
        services.AddSingleton(s => new RequestBox(
            s.GetRequiredService<SecretBox>(), settings.Store.IsCluster ? () => s.GetRequiredService<ClusterOwnership>().Facts?.Secret ?? default : null));
        services.AddSingleton<IWebhookSender, WebhookSender>();
        services.AddSingleton<ISessionFeed>(s => s.GetRequiredService<SessionFeed>());
    }

    private static void AddSharding(IServiceCollection services, NodeSettings settings)
    {
        services.AddSingleton(settings.Sharding);
        services.AddSingleton(settings.Routing);
        services.AddSingleton(settings.Sessions);
        services.AddSingleton(s => new ActorSystem(
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<IRandom>(), s.GetRequiredService<ILoggerFactory>(), ActorScheduler.ThreadPool)
        {
            Options = new ActorOptions { ChildStopTimeout = settings.Sharding.HandOff },
        });
        services.AddSingleton<SessionFactory>(s =>
        {
            var (journal, store, runner, slots) = (s.GetRequiredService<IJournal>(), s.GetRequiredService<IJournalStore>(), s.GetRequiredService<IAttemptRunner>(), s.GetRequiredService<ITransferSlots>());
            var (crashPoints, feed, time, random) = (s.GetRequiredService<ICrashPoints>(), s.GetRequiredService<ISessionFeed>(), s.GetRequiredService<TimeProvider>(), s.GetRequiredService<IRandom>());
            var (loggers, webhooks, conditions) = (s.GetRequiredService<ILoggerFactory>(), s.GetRequiredService<IWebhookSender>(), s.GetRequiredService<NodeConditions>());
            return (session, tenure) => new SessionActor(new SessionEnvironment(
                session, tenure, journal, store, runner, slots, tenure, crashPoints, feed, time, random, settings.Sessions, loggers)
            {
                Webhooks = webhooks,
                Conditions = conditions,
            });
        });
        services.AddSingleton<INodeExit, LostExit>();
        services.AddSingleton<LocalCommands>();
        services.AddSingleton<ICommandRouter, CommandRouter>();
    }

    private static void AddSweeping(IServiceCollection services, NodeSettings settings)
    {
        services.AddSingleton(settings.Sweeper);
        services.AddSingleton<ReferenceFinder>();
        services.AddSingleton<Sweeper>();
        services.AddSingleton(s =>
        {
            var shards = s.GetRequiredService<NodeShards>();
            return new RetentionSweep(
                s.GetRequiredService<IJournalStore>(), () => shards.Grants, s.GetRequiredService<IContainers>(), s.GetRequiredService<TimeProvider>(),
                s.GetRequiredService<ILogger<RetentionSweep>>());
        });
        services.AddHostedService<SweeperLoop>();
    }

    public static void AddApi(IServiceCollection services, ApiOptions api, SecurityOptions security)
    {
        services.AddSingleton(api);
        services.AddSingleton(new KeyRing(security));
        services.AddSingleton<Authenticator>();
        services.AddSingleton<ApiFailures>();
        services.AddSingleton<RequestSealing>();
        services.AddSingleton<SessionCalls>();
        services.AddSingleton<IEventSource, SessionEvents>();
        services.AddSingleton<EventDelivery>();
        ApiDescription.Add(services);
    }

    /// <summary>A cluster's documents are good at all of its nodes, those of a node alone at that one.</summary>
    private static void AddResumeDocuments(IServiceCollection services, NodeSettings settings)
    {
        var own = settings.Store.IsCluster ? null : NodeSecret.Read(settings.DataDirectory);
        services.AddSingleton(s => new ResumeDocuments(
            () => own ?? s.GetRequiredService<ClusterOwnership>().Facts?.Secret ?? default, s.GetRequiredService<RequestBox>()));
    }

    private static void AddLife(IServiceCollection services, NodeSettings settings)
    {
        services.AddSingleton(settings.StartFacts);
        services.AddSingleton<StartMessage>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = settings.Drain.Shutdown);
        if (settings.Store.IsCluster)
            services.AddPeers(settings.Peers, s => s.GetRequiredService<ClusterOwnership>().Facts?.Secret ?? default);
        services.AddHostedService<NodeStart>();
        services.AddHostedService<OriginDealing>();
        services.AddHostedService(s => new NodeDrain(
            DrainSteps(s, settings), settings.Drain, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<NodeDrain>>()));
    }

    private static DrainStep[] DrainSteps(IServiceProvider s, NodeSettings settings)
    {
        var readiness = s.GetRequiredService<NodeReadiness>();
        var ownership = s.GetRequiredService<IOwnership>();
        var journal = s.GetRequiredService<JournalWriter>();
        return
        [
            new("readiness", settings.Drain.Streams, _ => Done(readiness.BeginDrain)),
            new("sessions and shards", settings.Sharding.Drain, stop => new ValueTask(ownership.DrainAsync(stop))),
            new("journal", settings.Drain.Journal, _ => journal.DrainAsync()),
            new("event streams", settings.Drain.Streams, _ => Done(readiness.CloseStreams)),
        ];
    }

    private static ValueTask Done(Action act)
    {
        act();
        return default;
    }
}
