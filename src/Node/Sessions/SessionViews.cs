using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>From the session's state to what clients see of it.</summary>
internal static class SessionViews
{
    public static CommandReply.Done Reply(int status, Session session, SessionConditions conditions, bool created = false) =>
        Json(status, View(session, conditions, created), ProtocolJson.Default.SessionView);

    public static CommandReply.Done Json<T>(int status, T body, JsonTypeInfo<T> info) => new(status, JsonSerializer.SerializeToUtf8Bytes(body, info));

    public static SessionView View(Session session, SessionConditions conditions, bool created = false) => new()
    {
        Identifier = session.Key.Identifier.ToString(),
        Generation = session.Generation,
        State = StateOf(session.Phase),
        Created = created ? true : null,
        CreatedAt = session.CreatedAt,
        Configuration = Masked(session.Configurations.Current),
        ConfigurationVersion = session.Configurations.Version,
        Counts = new TaskCounts
        {
            Suspended = session.Tasks.CountOf(TaskPhase.Suspended),
            Waiting = session.Tasks.CountOf(TaskPhase.Waiting),
            Running = session.Tasks.CountOf(TaskPhase.Running),
            Canceling = session.Tasks.CountOf(TaskPhase.Canceling),
            Succeeded = session.Ended.Succeeded,
            Failed = session.Ended.Failed,
            Cancelled = session.Ended.Cancelled,
            Expired = session.Ended.Expired,
        },
        LastEvent = session.Delivery.LastNumber,
        Acknowledged = session.Delivery.Acknowledged,
        Attached = conditions.Attached,
        Notifications = NotificationDecider.View(session.Notifications),
    };

    /// <summary>The word of the wire and of the head row.</summary>
    public static string StateOf(SessionPhase phase) => phase switch
    {
        SessionPhase.Active => "active",
        SessionPhase.Invalidating => "invalidating",
        SessionPhase.Invalidated => "invalidated",
        SessionPhase.Absent => "absent",
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "not a phase"),
    };

    internal static SessionConfiguration Masked(SessionConfiguration configuration) => configuration with
    {
        AdditionalHeaders = configuration.AdditionalHeaders is { } headers ? SecretHeaders.Mask(headers) : null,
        Launch = configuration.Launch is { } launch ? launch with { Url = ShownUrl.Of(launch.Url), Secret = MaskedSecret(launch.Secret) } : null,
        Push = configuration.Push is { } push ? push with { Url = ShownUrl.Of(push.Url), Secret = MaskedSecret(push.Secret) } : null,
    };

    /// <summary>The name of a secret is shown; one that was given inline is here in its sealed form, which no name can have, and is not.</summary>
    private static string? MaskedSecret(string? secret) => secret is not null && secret.Contains(':', StringComparison.Ordinal) ? SecretHeaders.Masked : secret;
}
