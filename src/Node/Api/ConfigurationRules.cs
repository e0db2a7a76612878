using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Which configurations a session may have. What must not change later is decided by the session, which knows what it has.</summary>
internal static class ConfigurationRules
{
    public static Problem? Check(
        SessionConfiguration configuration, Func<ContainerName, bool> containerExists, Func<string, SecretKind?> findSecret, bool canSeal) =>
        HeaderRules.Check(configuration.AdditionalHeaders, "additionalHeaders", ofSession: true)
        ?? CheckDuration(configuration.RequestTimeout, "requestTimeout", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), "PT1S and PT1H")
        ?? CheckDuration(configuration.ResourceTimeout, "resourceTimeout", TimeSpan.FromSeconds(1), TimeSpan.FromDays(30), "PT1S and P30D")
        ?? CheckDuration(configuration.FileRetention, "fileRetention", TimeSpan.FromMinutes(1), TimeSpan.FromDays(3650), "PT1M and P3650D")
        ?? CheckDuration(configuration.EventRetention, "eventRetention", TimeSpan.FromMinutes(1), TimeSpan.FromDays(365), "PT1M and P365D")
        ?? CheckConnections(configuration.MaxConnectionsPerHost)
        ?? CheckContainer(configuration.Container, containerExists)
        ?? RetryRules.CheckAcceptStatus(configuration.AcceptStatus, "acceptStatus")
        ?? RetryRules.Check(configuration.Retry, "retry")
        ?? AccessRules.Check(configuration, findSecret)
        ?? WebhookRules.Check(configuration, findSecret, canSeal)
        ?? StartRules.Check(configuration)
        ?? TaskRules.CheckBytesPerSecond(configuration.BytesPerSecondMax);

    private static Problem? CheckDuration(TimeSpan? value, string field, TimeSpan min, TimeSpan max, string bounds) =>
        value is null || (value >= min && value <= max) ? null : Invalid(field, $"must be between {bounds}.");

    private static Problem? CheckConnections(int? connections) =>
        connections is null or (>= 1 and <= 64) ? null : Invalid("maxConnectionsPerHost", "must be from 1 to 64.");

    private static Problem? CheckContainer(string? container, Func<ContainerName, bool> containerExists)
    {
        if (container is null)
            return null;
        return ContainerName.TryParse(container, out var name)
            ? TaskRules.CheckContainer(name, "container", containerExists)
            : Problems.Create(400, ProblemCodes.UnknownContainer, ContainerName.Rule, "container");
    }

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}
