using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// Seals what is secret in a client's command, as the last thing before the command leaves the edge: whatever it is that brings a URL or a header, no
/// session, journal or other node sees it in clear. The same text always gets the same seal, so a repetition stays a repetition.
/// </summary>
internal sealed class RequestSealing(RequestBox box)
{
    public bool CanSeal => box.CanSeal;

    public SessionCommand Seal(SessionCommand command, TenantId tenant) => command switch
    {
        SessionCommand.AddTask add => add with { Spec = Seal(add.Spec, tenant) },
        SessionCommand.AddTasks add => add with { Entries = [.. add.Entries.Select(entry => entry.Spec is { } spec ? entry with { Spec = Seal(spec, tenant) } : entry)] },
        SessionCommand.ChangeTask change => change with
        {
            Change = change.Change with
            {
                Url = SealUrl(change.Change.Url, tenant),
                Headers = Seal(change.Change.Headers, tenant),
                Notify = Seal(change.Change.Notify, tenant),
            },
        },
        SessionCommand.AnswerDelayedRequest answer => answer with { Url = SealUrl(answer.Url, tenant), Headers = Seal(answer.Headers, tenant) },
        SessionCommand.SetPrefetch { Settings: var settings } set => set with
        {
            Settings = settings with { Urls = [.. settings.Urls.Select(url => Seal(url, tenant))], List = settings.List is { } list ? Seal(list, tenant) : null },
        },
        SessionCommand.Open { Configuration: { } configuration } open => open with { Configuration = Seal(configuration, tenant) },
        _ => command,
    };

    private SessionConfiguration Seal(SessionConfiguration configuration, TenantId tenant) => configuration with
    {
        AdditionalHeaders = Seal(configuration.AdditionalHeaders, tenant),
        Launch = configuration.Launch is { } launch ? launch with { Url = SealUrl(launch.Url, tenant) } : null,
        Push = configuration.Push is { } push ? push with { Url = SealUrl(push.Url, tenant) } : null,
    };

    private TaskSpec Seal(TaskSpec spec, TenantId tenant) => spec with
    {
        Url = box.SealUrl(tenant, spec.Url),
        Headers = Seal(spec.Headers, tenant),
        Parts = spec.Parts?.Select(part => part with { Text = part.Text is { } text ? box.Seal(tenant, text) : null, Headers = Seal(part.Headers, tenant) }).ToList(),
        Notify = Seal(spec.Notify, tenant),
        Kept = spec.Kept is { } kept ? kept with { Url = box.SealUrl(tenant, kept.Url) } : null,
    };

    private TaskNotify? Seal(TaskNotify? notify, TenantId tenant) =>
        notify is null ? null : notify with { Success = SealUrl(notify.Success, tenant), Failure = SealUrl(notify.Failure, tenant) };

    private PrefetchUrl Seal(PrefetchUrl url, TenantId tenant) => url with { Url = box.SealUrl(tenant, url.Url) };

    private string? SealUrl(string? url, TenantId tenant) => url is null ? null : box.SealUrl(tenant, url);

    /// <summary>
    /// Values that views show anyway are not sealed: a million tasks have them. One that looks sealed is, whatever its header: what leaves the edge is opened by
    /// its look, and what a client wrote may not be.
    /// </summary>
    private IReadOnlyDictionary<string, string>? Seal(IReadOnlyDictionary<string, string>? headers, TenantId tenant)
    {
        if (headers is null || !headers.Any(IsToSeal))
            return headers;
        return headers.ToDictionary(
            static header => header.Key, header => IsToSeal(header) ? box.Seal(tenant, header.Value) : header.Value, StringComparer.OrdinalIgnoreCase);
    }

    private static bool IsToSeal(KeyValuePair<string, string> header) => SecretHeaders.IsSecret(header.Key) || SecretBox.IsSealed(header.Value);
}
