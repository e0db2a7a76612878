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
    private readonly Queue<GivenUpNotification> _givenUp = [];

    public int Count => _pending.Count;

    public long GivenUpCount { get; private set; }

    /// <summary>The newest of those that were given up, oldest first.</summary>
    public IReadOnlyCollection<GivenUpNotification> GivenUp => _givenUp;

    public DateTimeOffset? NextDue => _due.Count > 0 ? _due.Min.Due : null;

    /// <summary>In the order in which they are sent.</summary>
    public IEnumerable<Notification> ByDue => _due.Select(entry => _pending[entry.Number]);

    /// <summary>The one that would be sent last.</summary>
    public Notification? Last => _due.Count > 0 ? _pending[_due.Max.Number] : null;

    public bool TryFind(long number, [NotNullWhen(true)] out Notification? notification) => _pending.TryGetValue(number, out notification);

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
        if (_pending.Remove(number, out var told))
            _due.Remove((told.Due(), number));
    }

    public void OnFailed(WebhookFailed failed)
    {
        if (!_pending.Remove(failed.Number, out var refused))
            return;
        _due.Remove((refused.Due(), failed.Number));
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
    }
}
