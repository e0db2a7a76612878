using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace Backhaul.Node.Telemetry;

/// <summary>How telemetry gets into the host.</summary>
internal static class TelemetryRegistration
{
    public static IServiceCollection AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        TouchInstruments();
        services.TryAddSingleton(TimeProvider.System);
        // The edge needs it, so it exists before the first hosted service starts.
        services.AddSingleton(static _ => new MetricsCollector());
        services.AddSingleton<LogRing>();
        services.AddSingleton<ILoggerProvider>(static s => s.GetRequiredService<LogRing>());
        // Lines of the framework name every request with its whole URL: only what goes wrong there is kept.
        services.Configure<LoggerFilterOptions>(static filter => filter.AddFilter<LogRing>("Microsoft", LogLevel.Warning));
        services.AddSingleton<LogLevels>();
        services.AddSingleton<IPostConfigureOptions<LoggerFilterOptions>>(static s => s.GetRequiredService<LogLevels>());
        services.AddSingleton<IOptionsChangeTokenSource<LoggerFilterOptions>>(static s => s.GetRequiredService<LogLevels>());
        services.AddSingleton(new TelemetryIdentity(
            configuration["Backhaul:Node:Name"] is { Length: > 0 } name ? name : Environment.MachineName,
            typeof(NodeMeter).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0"));
        services.AddHostedService<OtlpExport>();
        return services;
    }

    /// <summary>Instruments exist from the start, so that a dashboard shows zero and not a gap before the first event.</summary>
    private static void TouchInstruments()
    {
        foreach (var type in typeof(NodeMeter).Assembly.GetTypes().Where(t => t.Namespace == typeof(NodeMeter).Namespace && t.Name.EndsWith("Instruments", StringComparison.Ordinal)))
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
    }
}
