using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The answers to the newest commands that carried a key, so that a repetition gets the first answer and a reuse with other content is
/// told. Bounded by count, bytes and age; rebuilt by replay, part of the snapshot.
/// </summary>
internal sealed class CommandLedger(int entriesMax, int bytesMax, TimeSpan age)
{
    private readonly Dictionary<Guid, CommandAnswered> _byId = [];
    private readonly Queue<CommandAnswered> _oldestFirst = new();
    private long _bytes;

    public IReadOnlyCollection<CommandAnswered> Entries => _oldestFirst;

    public bool TryFind(Guid command, DateTimeOffset now, [NotNullWhen(true)] out CommandAnswered? answered)
    {
        if (_byId.TryGetValue(command, out answered) && now - answered.At <= age)
            return true;
        answered = null;
        return false;
    }

    public void Add(CommandAnswered answered)
    {
        while (_oldestFirst.TryPeek(out var oldest)
            && (_oldestFirst.Count >= entriesMax || _bytes + answered.Answer.Length > bytesMax || answered.At - oldest.At > age))
        {
            _oldestFirst.Dequeue();
            _bytes -= oldest.Answer.Length;
            if (_byId.TryGetValue(oldest.Command, out var current) && ReferenceEquals(current, oldest))
                _byId.Remove(oldest.Command);
        }
        _byId[answered.Command] = answered;
        _oldestFirst.Enqueue(answered);
        _bytes += answered.Answer.Length;
    }
}
