using System.Text;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Store.Tests;

/// <summary>Short ways to say what is written.</summary>
internal static class Writing
{
    public const int Shards = 8;

    public static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public static NodeId NewNode() => new(Guid.NewGuid());

    public static SessionKey Key(string identifier) => SessionKey.Parse($"default/{identifier}");

    public static ShardGrant GrantOf(this IReadOnlyList<ShardGrant> grants, SessionKey session) => grants[ShardMap.ShardOf(session, grants.Count)];

    /// <summary>A session's name in the given shard.</summary>
    public static SessionKey KeyIn(int shard) =>
        Enumerable.Range(0, 10_000).Select(index => Key($"s{index}")).First(key => ShardMap.ShardOf(key, Shards) == shard);

    public static NewRow Row(string text, long? number = null) => new("thing.happened.v1", Encoding.UTF8.GetBytes(text), number, null);

    public static SessionAppend Append(
        ShardGrant grant, SessionKey session, long first, int rows = 1, DateTimeOffset? wakeAt = null, IReadOnlyList<ArchivedTask>? archive = null) => new(
        grant, session, first,
        [.. Enumerable.Range(0, rows).Select(index => Row($"{first + index}", first + index))],
        new HeadUpdate("active", 1, first + rows - 1, wakeAt), archive ?? []);

    public static SessionAppend Claiming(this SessionAppend append, params (string Path, string? Task)[] claims) => append with
    {
        Claims = [.. claims.Select(claim => new ClaimChange(At(claim.Path), claim.Task is { } task ? TaskId.Parse(task) : null))],
    };

    public static Destination At(string path) => Destination.Of(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse(path));

    public static ArchivedTask Ended(long ordinal, string id, int generation = 1) =>
        new(generation, ordinal, TaskId.Parse(id), Encoding.UTF8.GetBytes($"task {id}"));

    public static string Text(this JournalRow row) => Encoding.UTF8.GetString(row.Payload.Span);
}
