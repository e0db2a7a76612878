using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Backhaul.Node.Telemetry;

/// <summary>
/// Traces and metrics by OTLP when the environment says where to: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>. All other
/// <c>OTEL_*</c> variables are read by the SDK itself. Without the endpoint nothing is created and spans cost nothing.
/// </summary>
internal sealed partial class OtlpExport(TelemetryIdentity node, ILogger<OtlpExport> log) : IHostedService, IDisposable
{
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private TracerProvider? _traces;
    private MeterProvider? _metrics;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        var endpoint = Environment.GetEnvironmentVariable(EndpointVariable);
        if (string.IsNullOrWhiteSpace(endpoint))
            return Task.CompletedTask;
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new InvalidOperationException($"{EndpointVariable} is not an http or https URL. Correct it, or remove it to run without export.");

        var resource = ResourceBuilder.CreateDefault()
            .AddService(Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") ?? "backhaul-node", serviceVersion: node.Version, serviceInstanceId: node.Name);
        _traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(resource)
            .AddSource(NodeMeter.Name, "Microsoft.AspNetCore", "System.Net.Http")
            .AddOtlpExporter()
            .Build();
        _metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter([.. MetricsCollector.Meters])
            .AddView("http.client.*", new MetricStreamConfiguration { TagKeys = ["http.request.method", "http.response.status_code", "error.type", "network.protocol.version"] })
            .AddView("dns.*", new MetricStreamConfiguration { TagKeys = ["error.type"] })
            .AddOtlpExporter()
            .Build();
        LogExports(uri.GetLeftPart(UriPartial.Authority));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Flushes what is left, within the exporter's own time-out.</summary>
    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }
}

/// <summary>What exported telemetry says of its origin.</summary>
internal sealed record TelemetryIdentity(string Name, string Version);
