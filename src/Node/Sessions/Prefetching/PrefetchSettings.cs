using System.Text.Json.Serialization;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What a session prefetches, validated, and with every default filled in once it is journaled. Persisted.</summary>
internal sealed record PrefetchSettings
{
    public const int UrlsMax = 100;

    /// <summary>Of the direct URLs together: each character may become six bytes of JSON, and eight of the row of an answer that is journaled.</summary>
    public const int UrlBytesMax = 112 * 1024;

    public const int ListedMax = 1_000;
    public const int ListBytesMax = 1024 * 1024;

    public static readonly TimeSpan EveryDefault = TimeSpan.FromDays(1);
    public static readonly TimeSpan EveryMin = TimeSpan.FromMinutes(15);
    public static readonly TimeSpan EveryMax = TimeSpan.FromDays(30);

    public required IReadOnlyList<PrefetchUrl> Urls { get; init; }
    public PrefetchUrl? List { get; init; }
    public TimeSpan Every { get; init; } = EveryDefault;

    /// <summary>Null as asked for, never as journaled: the session's.</summary>
    public string? Container { get; init; }

    /// <summary>Null as asked for, never as journaled: <see cref="PrefixOf"/>.</summary>
    public string? Prefix { get; init; }

    public static string PrefixOf(SessionIdentifier session) => $"prefetch/{session}";

    public PrefetchSettings WithDefaults(Session session) => this with
    {
        Container = Container ?? session.Configurations.Container.ToString(),
        Prefix = Prefix ?? PrefixOf(session.Key.Identifier),
    };

    public bool IsSameAs(PrefetchSettings other) =>
        Urls.SequenceEqual(other.Urls) && this with { Urls = other.Urls } == other;

    /// <summary>Of settings that are journaled.</summary>
    [JsonIgnore]
    public PrefetchPlace Place => new(Container!, Prefix!);

    public FileReference FileOf(string name) => Place.FileOf(name);
}

/// <summary>Where the files of rounds are. Persisted.</summary>
internal sealed record PrefetchPlace(string Container, string Prefix)
{
    /// <summary>The same in every round and on every node.</summary>
    public FileReference FileOf(string name) => new(ContainerName.Parse(Container), ContainerPath.Parse($"{Prefix}/{name}"));
}
