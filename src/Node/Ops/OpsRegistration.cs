using Backhaul.Node.Ops.Palettes;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Backhaul.Node.Ops;

/// <summary>
/// How the operator's edge gets into the host. Hosting registers what it looks at: the readiness, the router, the store, the
/// kernel's description, and the keys when there are any; and calls AddOps before anything that loads sessions, because hosted
/// services start in order and stop in reverse: probes are answered from the first moment to the last.
/// </summary>
internal static class OpsRegistration
{
    public static IServiceCollection AddOps(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<OpsOptions>().Bind(configuration.GetSection("Backhaul:Ops")).ValidateOnStart();
        services.AddSingleton<IValidateOptions<OpsOptions>, OpsOptionsRules>();
        services.TryAddSingleton<IOperatorKeys, NoOperatorKeys>();
        services.TryAddSingleton<INodeDrain, HostDrain>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(s => NodeFacts.Gather(configuration, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton(s => s.GetRequiredService<NodeFacts>().Card);
        services.AddSingleton(s => new AuditLog(s.GetRequiredService<NodeFacts>().DataDirectory, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SessionAsk>();
        services.AddSingleton<EventTail>();
        services.AddSingleton<IPalette, SessionPalette>();
        services.AddSingleton<IPalette, TaskPalette>();
        services.AddSingleton<IPalette, ActorPalette>();
        services.AddSingleton<IPalette, SystemPalette>();
        services.AddSingleton<IPalette, LogPalette>();
        services.AddSingleton<PaletteExecutor>();
        services.AddSingleton<OpsEndpoints>();
        services.AddSingleton<OpsEdge>();
        services.AddHostedService(static s => s.GetRequiredService<OpsEdge>());
        return services;
    }

    /// <summary>The routes of the operator's server, and of no other.</summary>
    public static void MapOps(this IEndpointRouteBuilder routes, OpsEndpoints endpoints)
    {
        routes.MapGet("/pbm/palettes", endpoints.PalettesAsync);
        routes.MapPost("/pbm/execute", endpoints.ExecuteAsync);
        routes.MapGet("/metrics", endpoints.MetricsAsync);
        routes.MapGet("/health/live", OpsEndpoints.LiveAsync);
        routes.MapGet("/health/ready", endpoints.ReadyAsync);
    }

    private sealed class OpsOptionsRules : IValidateOptions<OpsOptions>
    {
        public ValidateOptionsResult Validate(string? name, OpsOptions options) =>
            options.Fault() is { } fault ? ValidateOptionsResult.Fail(fault) : ValidateOptionsResult.Success;
    }

    private sealed class NoOperatorKeys : IOperatorKeys
    {
        public bool Any => false;

        public OperatorIdentity? Find(string presented) => null;
    }
}
