using System.Text;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>From a client's words to what a session prefetches. Pure.</summary>
internal static class PrefetchRules
{
    public static Validated<SessionCommand> Validate(PrefetchRequest request, SessionIdentifier session, Func<ContainerName, bool> containerExists)
    {
        var urls = request.Urls ?? [];
        var problem = CheckUrls(urls, request.ListUrl) ?? CheckEvery(request.Every) ?? CheckContainer(request.Container, containerExists) ?? CheckPrefix(request.Prefix, session);
        if (problem is not null)
            return problem;
        return new SessionCommand.SetPrefetch(new PrefetchSettings
        {
            Urls = [.. urls.Select(PrefetchUrl.Of)],
            List = request.ListUrl is { } list ? PrefetchUrl.Of(list) : null,
            Every = request.Every ?? PrefetchSettings.EveryDefault,
            Container = request.Container,
            Prefix = request.Prefix,
        });
    }

    private static Problem? CheckUrls(IReadOnlyList<string> urls, string? listUrl)
    {
        if (urls.Count == 0 && listUrl is null)
            return Invalid("urls", "has no URL, and there is no listUrl: name what is to be prefetched, or DELETE it.");
        if (urls.Count > PrefetchSettings.UrlsMax)
            return Invalid("urls", $"has {urls.Count} URLs; at most {PrefetchSettings.UrlsMax} are given here, more by a listUrl.");
        HashSet<string> seen = new(StringComparer.Ordinal);
        var bytes = 0;
        for (var i = 0; i < urls.Count; i++)
        {
            if (UrlRules.Check(urls[i], $"urls[{i}]") is { } problem)
                return problem;
            if (!seen.Add(urls[i]) || urls[i] == listUrl)
                return Invalid($"urls[{i}]", "is there twice.");
            bytes += Encoding.UTF8.GetByteCount(urls[i]);
        }
        return bytes > PrefetchSettings.UrlBytesMax ? Invalid("urls", $"has more than {PrefetchSettings.UrlBytesMax} bytes; use a listUrl.")
            : listUrl is null ? null
            : UrlRules.Check(listUrl, "listUrl");
    }

    private static Problem? CheckEvery(TimeSpan? every) =>
        every is null || (every >= PrefetchSettings.EveryMin && every <= PrefetchSettings.EveryMax) ? null : Invalid("every", "must be from PT15M to P30D.");

    private static Problem? CheckContainer(string? container, Func<ContainerName, bool> containerExists) =>
        container is null ? null
        : ContainerName.TryParse(container, out var name) ? TaskRules.CheckContainer(name, "container", containerExists)
        : Problems.Create(400, ProblemCodes.UnknownContainer, ContainerName.Rule, "container");

    /// <summary>With the name of a file behind it, it must still be a path.</summary>
    private static Problem? CheckPrefix(string? prefix, SessionIdentifier session) =>
        ContainerPath.TryParse($"{prefix ?? PrefetchSettings.PrefixOf(session)}/{new string('0', 64)}", out _)
            ? null
            : Problems.Create(400, ProblemCodes.InvalidPath, $"{(prefix is null ? "The identifier of this session makes no folder; give a prefix." : "The prefix must leave room for a file's name.")} {ContainerPath.Rule}", "prefix");

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}
