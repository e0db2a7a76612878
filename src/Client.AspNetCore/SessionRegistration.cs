using Backhaul.Protocol;

namespace Backhaul.Client.AspNetCore;

/// <summary>A session that this service is the client of.</summary>
internal sealed record SessionRegistration(
    string Identifier,
    SessionConfiguration? Configuration,
    SessionPresence Presence,
    AttachOptions Options,
    Func<IServiceProvider, ISessionDelegate> Delegate);
