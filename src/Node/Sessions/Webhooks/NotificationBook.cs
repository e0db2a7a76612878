using System.Diagnostics.CodeAnalysis;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Ends of tasks that are to be told to URLs. Part of the session's fold: the last event of a task brings its notification in, and only what came of
/// sending takes it out, so there is never more than one for a task. A task that has not ended costs nothing here. They outlive the end of
/// their session, and its next generation.
/// <code>
///   taskCompleted (succeeded, failed, expired) ──► pending ──2xx──► told
///                                                   │ ▲ └── ten attempts, 410, too many pending ──► given up
///                                                   └─┘ schedule
/// </code>
/// </summary>
internal sealed class NotificationBook
{
    /// <summary>Of those that were given up so many are remembered; the others are counted.</summary>
    private const int GivenUpKept = 16;

    private readonly Dictionary<long, Notification> _pending = [];
    private readonly SortedSet<(DateTimeOffset Due, long Number)> _due = [];

    /// <summary>One for each receiver, and the first of each: one that does not answer holds up its own only.</summary>
    private readonly Dictionary<string, SortedSet<(DateTimeOffset Due, long Number)>> _lanes = new(StringComparer.Ordinal);
    private readonly SortedSet<(DateTimeOffset Due, long Number)> _firsts = [];
    private readonly Queue<GivenUpNotification> _givenUp = [];

    public int Count => _pending.Count;

    public long GivenUpCount { get; private set; }

    /// <summary>The newest of those that were given up, oldest first.</summary>
    public IReadOnlyCollection<GivenUpNotification> GivenUp => _givenUp;

    public DateTimeOffset? NextDue => _due.Count > 0 ? _due.Min.Due : null;

    /// <summary>The one that would be sent last.</summary>
    public Notification? Last => _due.Count > 0 ? _pending[_due.Max.Number] : null;

    public bool TryFind(long number, [NotNullWhen(true)] out Notification? notification) => _pending.TryGetValue(number, out notification);

    /// <summary>
    /// What is sent next, in order of its time. The cost hangs on how many are asked for and under way, not on how many are pending.
    /// </summary>
    /// <param name="underWay">The numbers of those that are being sent.</param>
    /// <param name="count">So many at most.</param>
    /// <param name="perReceiver">So many of one receiver, with those under way.</param>
    public IReadOnlyList<Notification> Next(IReadOnlySet<long> underWay, int count, int perReceiver)
    {
        var busy = underWay.Where(_pending.ContainsKey).CountBy(number => ReceiverOf(_pending[number])).ToDictionary(StringComparer.Ordinal);
        List<Notification> next = [];
        var free = 0;
        foreach (var (_, number) in _firsts)
        {
            var receiver = ReceiverOf(_pending[number]);
            var taken = busy.GetValueOrDefault(receiver);
            next.AddRange(_lanes[receiver].Where(entry => !underWay.Contains(entry.Number)).Take(perReceiver - taken).Select(entry => _pending[entry.Number]));
            if (taken == 0 && ++free == count)
                break;
        }
        return [.. next.OrderBy(pending => pending.Due()).ThenBy(pending => pending.Number).Take(count)];
    }

    /// <param name="ended">A task in its final state.</param>
    /// <param name="number">Of the event that said so.</param>
    /// <param name="generation">Of the session.</param>
    public void OnEnded(TaskState ended, long number, int generation)
    {
        if (NotificationDecider.UrlFor(ended) is { } url)
            Add(new Notification(number, generation, ended.Id, url, ended.Spec.Notify!.Secret, ended.ConfigurationVersion, ended.End!.At));
    }

    public void OnDelivered(long number)
    {
        if (_pending.TryGetValue(number, out var told))
            Remove(told);
    }

    public void OnFailed(WebhookFailed failed)
    {
        if (!_pending.TryGetValue(failed.Number, out var refused))
            return;
        Remove(refused);
        if (failed.NextAt is { } next)
        {
            Add(refused with { Tries = new WebhookTries(failed.Number, failed.Attempt, next, failed.Status, failed.Why) });
            return;
        }
        GivenUpCount++;
        _givenUp.Enqueue(new GivenUpNotification(refused.Task, refused.Generation, refused.Url, failed.Attempt, failed.Why, failed.At));
        while (_givenUp.Count > GivenUpKept)
            _givenUp.Dequeue();
    }

    /// <summary>Of the configuration, that pending ones may be signed by.</summary>
    public IEnumerable<int> Versions() => _pending.Values.Where(pending => pending.Secret is null).Select(pending => pending.Version);

    /// <summary>Before a new generation forgets the configurations of this one: what they sign with is kept.</summary>
    public void OnCreated(ConfigurationBook before)
    {
        foreach (var (number, pending) in _pending.Where(entry => entry.Value.Secret is null).ToList())
            _pending[number] = pending with { Secret = NotificationDecider.SecretOf(pending, before) };
    }

    /// <summary>Null while there is nothing to say.</summary>
    public NotificationsSnapshot? ToSnapshot() => Count == 0 && GivenUpCount == 0
        ? null
        : new NotificationsSnapshot([.. _pending.Values.OrderBy(pending => pending.Number)], GivenUpCount, [.. _givenUp]);

    public void Restore(NotificationsSnapshot? stored)
    {
        if (stored is null)
            return;
        foreach (var pending in stored.Pending)
            Add(pending);
        GivenUpCount = stored.GivenUpCount;
        foreach (var past in stored.GivenUp)
            _givenUp.Enqueue(past);
    }

    private void Add(Notification pending)
    {
        _pending.Add(pending.Number, pending);
        _due.Add((pending.Due(), pending.Number));
        var receiver = ReceiverOf(pending);
        if (!_lanes.TryGetValue(receiver, out var lane))
            _lanes.Add(receiver, lane = []);
        if (lane.Count > 0)
            _firsts.Remove(lane.Min);
        lane.Add((pending.Due(), pending.Number));
        _firsts.Add(lane.Min);
    }

    private void Remove(Notification pending)
    {
        var entry = (pending.Due(), pending.Number);
        _due.Remove(entry);
        var receiver = ReceiverOf(pending);
        var lane = _lanes[receiver];
        _firsts.Remove(lane.Min);
        lane.Remove(entry);
        if (lane.Count > 0)
            _firsts.Add(lane.Min);
        else
            _lanes.Remove(receiver);
        _pending.Remove(pending.Number);
    }

    private static string ReceiverOf(Notification pending) => ReadyTasks.HostOf(pending.Url).ToString();
}
