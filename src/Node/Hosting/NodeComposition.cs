using Backhaul.Node.Api;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;

namespace Backhaul.Node.Hosting;

/// <summary>
/// What a node is made of: every concrete type, once, in the order of the layers from below. Options are read and checked before the
/// first of them is made. A section names what it takes from the sections above it; nothing here decides anything.
/// </summary>
internal static class NodeComposition
{
    public static void AddNode(this WebApplicationBuilder builder)
    {
        var reader = new OptionsReader(builder.Configuration);
        var node = reader.Read<NodeOptions>("Backhaul", options => options.Faults(), strict: false);
        var drain = reader.Read<DrainOptions>("Backhaul:Drain", options => options.Faults());
        var security = reader.Read<SecurityOptions>("Backhaul:Security", options => options.Faults());
        var api = reader.Read<ApiOptions>("Backhaul:Api", options => options.Faults());
        _ = ListenRules.Read(builder.Configuration, security, reader);
        reader.ThrowIfFaulty();
        var data = DataDirectory.Prepare(node.DataDirectory);

        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<NodeReadiness>();
        AddApi(services, api, security);
        AddLife(services, drain, new StartFacts(builder.Configuration["Backhaul:Ops:Url"] ?? "http://127.0.0.1:9110", data));
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

    public static void AddApi(IServiceCollection services, ApiOptions api, SecurityOptions security)
    {
        services.AddSingleton(api);
        services.AddSingleton(new KeyRing(security));
        services.AddSingleton<Authenticator>();
        services.AddSingleton<ApiFailures>();
        services.AddSingleton<SessionCalls>();
        ApiDescription.Add(services);
    }

    private static void AddLife(IServiceCollection services, DrainOptions drain, StartFacts facts)
    {
        services.AddSingleton(facts);
        services.AddSingleton<StartMessage>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = drain.Shutdown);
        services.AddHostedService(s => new NodeStart([], s.GetRequiredService<NodeReadiness>(), s.GetRequiredService<StartMessage>()));
        services.AddHostedService(s =>
        {
            var readiness = s.GetRequiredService<NodeReadiness>();
            DrainStep[] steps =
            [
                new("readiness", drain.ChildStop, _ => Done(readiness.BeginDrain)),
                new("event streams", drain.ChildStop, _ => Done(readiness.CloseStreams)),
            ];
            return new NodeDrain(steps, drain, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<NodeDrain>>());
        });
    }

    private static ValueTask Done(Action act)
    {
        act();
        return default;
    }
}
