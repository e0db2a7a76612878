using System.Diagnostics.CodeAnalysis;
using Backhaul.Client;
using Backhaul.Client.AspNetCore;
using Backhaul.Protocol;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers sessions beside the client.</summary>
public sealed class BackhaulBuilder
{
    internal BackhaulBuilder(IServiceCollection services) => Services = services;

    /// <summary>The service's registrations.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// A session whose client this service is. With <see cref="SessionPresence.Attached"/> the service attaches when it starts, hands events to
    /// <typeparamref name="TDelegate"/> while it runs, and stops in good order; with <see cref="SessionPresence.OnLaunch"/> it does so when it is launched
    /// (<c>MapBackhaulLaunches</c>). The delegate is one object for the process; it may ask for other services.
    /// </summary>
    /// <param name="identifier">The session's name in the tenant.</param>
    /// <param name="configuration">Given at every attachment; null keeps the one in force.</param>
    /// <param name="presence">When the service is attached.</param>
    /// <param name="options">How events are handed over.</param>
    /// <exception cref="ArgumentException">The identifier breaks its rule, or was registered before.</exception>
    public BackhaulBuilder AddSession<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TDelegate>(
        string identifier,
        SessionConfiguration? configuration = null,
        SessionPresence presence = SessionPresence.Attached,
        AttachOptions? options = null)
        where TDelegate : class, ISessionDelegate
    {
        if (!SessionIdentifier.TryParse(identifier, out _))
            throw new ArgumentException(SessionIdentifier.Rule, nameof(identifier));
        Services.TryAddSingleton<TDelegate>();
        Services.AddSingleton(new SessionRegistration(
            identifier, configuration, presence, options ?? new AttachOptions(), provider => provider.GetRequiredService<TDelegate>()));
        return this;
    }
}
