using Backhaul.Client;
using Backhaul.Client.AspNetCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the client, and the sessions that this service owns.</summary>
public static class BackhaulServices
{
    /// <summary>One <see cref="BackhaulClient"/> for the whole process; the result registers sessions.</summary>
    public static BackhaulBuilder AddBackhaul(this IServiceCollection services, BackhaulClientOptions? options = null) =>
        services.AddBackhaul(_ => options ?? new BackhaulClientOptions());

    /// <summary>
    /// The same from configuration: <c>Endpoints</c> (a list, or one address) and <c>Key</c> of <paramref name="section"/>. What it does not name
    /// is <paramref name="options"/>'.
    /// </summary>
    public static BackhaulBuilder AddBackhaul(this IServiceCollection services, IConfiguration section, BackhaulClientOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(section);
        return services.AddBackhaul(_ => Read(section, options ?? new BackhaulClientOptions()));
    }

    /// <summary>The same with options that need other services.</summary>
    public static BackhaulBuilder AddBackhaul(this IServiceCollection services, Func<IServiceProvider, BackhaulClientOptions> options)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        services.TryAddSingleton(provider => new BackhaulClient(options(provider)));
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<SessionBook>();
        services.TryAddSingleton<LaunchQueue>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, AttachedSessions>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, LaunchRunner>());
        return new BackhaulBuilder(services);
    }

    private static BackhaulClientOptions Read(IConfiguration section, BackhaulClientOptions options)
    {
        var list = section.GetSection("Endpoints");
        var endpoints = list.GetChildren().Select(child => child.Value).Prepend(list.Value).Where(text => !string.IsNullOrEmpty(text))
            .Select(text => Uri.TryCreate(text, UriKind.Absolute, out var endpoint)
                ? endpoint
                : throw new InvalidOperationException($"The endpoint {text} of the configuration is not an absolute address."))
            .ToArray();
        return options with
        {
            Endpoints = endpoints.Length > 0 ? endpoints : options.Endpoints,
            Key = section["Key"] is { Length: > 0 } key ? key : options.Key,
        };
    }
}
