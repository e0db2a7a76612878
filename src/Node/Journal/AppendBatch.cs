using Backhaul.Protocol;

namespace Backhaul.Node.Journal;

/// <summary>
/// The requests of one commit. It owns them: <see cref="Dispose"/> answers Unknown to whatever is still unanswered, so that no path of
/// the code can leave a session waiting. A session occurs once (contiguous requests are merged), a shard with one holder only.
/// </summary>
internal sealed class AppendBatch : IDisposable
{
    private readonly Dictionary<SessionKey, Part> _bySession = [];
    private readonly Dictionary<int, IGrantHolder> _holders = [];

    public int Rows { get; private set; }

    public long Bytes { get; private set; }

    public long OldestEnqueuedAt { get; private set; }

    /// <summary>The parts without an answer yet.</summary>
    public IReadOnlyList<Part> Open => [.. _bySession.Values.Where(part => !part.Answered)];

    /// <summary>False when the request must wait for the next batch.</summary>
    public bool TryAdd(PendingAppend pending)
    {
        var request = pending.Request;
        if (!_holders.TryGetValue(request.Holder.ShardId, out var holder))
            _holders.Add(request.Holder.ShardId, request.Holder);
        else if (!ReferenceEquals(holder, request.Holder))
            return false;

        if (!_bySession.TryGetValue(request.Session, out var part))
            _bySession.Add(request.Session, new Part(pending));
        else if (!part.TryMerge(pending))
            return false;

        OldestEnqueuedAt = Rows == 0 ? pending.EnqueuedAt : Math.Min(OldestEnqueuedAt, pending.EnqueuedAt);
        Rows += request.Rows.Count;
        Bytes += pending.Bytes;
        return true;
    }

    public void Dispose()
    {
        foreach (var part in _bySession.Values)
            part.Answer(AppendOutcome.Unknown);
    }

    /// <summary>What a batch holds of one session: one request, or several that follow each other.</summary>
    internal sealed class Part(PendingAppend first)
    {
        private readonly List<PendingAppend> _requests = [first];

        public IGrantHolder Holder => first.Request.Holder;

        public SessionKey Session => first.Request.Session;

        public long FirstSequence => first.Request.FirstSequence;

        public long LastSequence { get; private set; } = first.Request.FirstSequence + first.Request.Rows.Count - 1;

        public bool Answered { get; private set; }

        /// <summary>The grant that the last try used.</summary>
        public ShardGrant Grant { get; set; }

        /// <summary>It was part of a commit, or may have been.</summary>
        public bool WasSent { get; set; }

        public bool TryMerge(PendingAppend next)
        {
            if (next.Request.FirstSequence != LastSequence + 1)
                return false;
            _requests.Add(next);
            LastSequence += next.Request.Rows.Count;
            return true;
        }

        public void Answer(AppendOutcome outcome)
        {
            Answered = true;
            foreach (var request in _requests)
                request.TryAnswer(outcome);
        }

        /// <summary>What goes to the store; the head is that of the last request.</summary>
        public SessionAppend ToAppend() => _requests.Count == 1
            ? new SessionAppend(Grant, Session, FirstSequence, first.Request.Rows, first.Request.Head, first.Request.Archive)
            {
                Claims = Net(first.Request.Claims),
                Expiries = first.Request.Expiries,
            }
            : new SessionAppend(
                Grant, Session, FirstSequence,
                [.. _requests.SelectMany(request => request.Request.Rows)], _requests[^1].Request.Head,
                [.. _requests.SelectMany(request => request.Request.Archive)])
            {
                Claims = Net([.. _requests.SelectMany(request => request.Request.Claims)]),
                Expiries = [.. _requests.SelectMany(request => request.Request.Expiries)],
            };

        /// <summary>What is left of each destination in the end: one that was freed and claimed again in one commit was never free.</summary>
        private static IReadOnlyList<ClaimChange> Net(IReadOnlyList<ClaimChange> changes)
        {
            if (changes.Count < 2)
                return changes;
            var last = new Dictionary<Destination, ClaimChange>(changes.Count);
            foreach (var change in changes)
                last[change.Destination] = change;
            return last.Count == changes.Count ? changes : [.. last.Values];
        }
    }
}
