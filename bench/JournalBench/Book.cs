using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.JournalBench;

/// <summary>Writes one session forward.</summary>
internal sealed class Book
{
    private long _sequence = 1;
    private long _number;

    public Book(string name, IReadOnlyList<ShardGrant> grants)
    {
        Session = SessionKey.Parse($"default/{name}");
        Grant = grants[ShardMap.ShardOf(Session, grants.Count)];
    }

    public SessionKey Session { get; }

    public ShardGrant Grant { get; }

    public SessionAppend Next(int rows, bool numbered, byte[] payload)
    {
        var list = new NewRow[rows];
        for (var index = 0; index < rows; index++)
            list[index] = new NewRow("task.created.v1", payload, numbered ? ++_number : null, null);
        var first = _sequence;
        _sequence += rows;
        return new SessionAppend(Grant, Session, first, list, new HeadUpdate("active", 1, _number, DateTimeOffset.UnixEpoch), []);
    }
}
