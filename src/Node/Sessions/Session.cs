using Backhaul.Node.Journal;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Where a session stands. Persisted by name: append only.</summary>
internal enum SessionPhase
{
    /// <summary>No session of this identifier was ever created.</summary>
    Absent = 1,
    Active = 2,

    /// <summary>An end was asked for; tasks are ending, none are taken.</summary>
    Invalidating = 3,

    /// <summary>Ended; the identifier can be created anew.</summary>
    Invalidated = 4,
}

/// <summary>
/// A session: named, durable owner of tasks. This is its whole state, a fold of its events and nothing else: it knows no clock, no
/// database, no actor.
/// <code>
///   Absent ──created──► Active ──ending──► Invalidating ──invalidated──► Invalidated ──created (generation + 1)──► Active
/// </code>
/// <see cref="Apply"/> hands each event to the part that owns it and is the only way to change anything; <see cref="SessionDecider"/>
/// reads it and never changes it. It is changed in place, not copied (docs/decisions/0004): one actor owns it, and an actor whose
/// memory may be ahead of the journal is thrown away and loaded again.
/// Invariants: event numbers run 1, 2, 3 … without gaps; a task that ended is not in <see cref="Tasks"/>; configuration versions only grow, and the book has all of <see cref="VersionsInUse"/>.
/// </summary>
internal sealed class Session
{
    private readonly List<TaskState> _ended = [];

    public Session(SessionKey key, SessionOptions options)
    {
        (Key, Options) = (key, options);
        Tasks = NewTasks();
        Ledger = new CommandLedger(options.LedgerEntriesMax, options.LedgerBytesMax, options.LedgerAge);
    }

    public SessionKey Key { get; }

    public SessionOptions Options { get; }

    public SessionPhase Phase { get; private set; } = SessionPhase.Absent;

    public int Generation { get; private set; }

    public DateTimeOffset CreatedAt { get; private set; }

    /// <summary>
    /// Ordinals are given to tasks in order and never reused, in a new generation neither: an unread event of the old one does not name a task of the new one by
    /// an id that was made of it. Generations of earlier releases began anew.
    /// </summary>
    public long LastOrdinal { get; private set; }

    /// <summary>Suspended by an operator.</summary>
    public bool Paused { get; private set; }

    /// <summary>The end or force quit that is being carried out.</summary>
    public SessionEnding? Ending { get; private set; }

    public EndedCounts Ended { get; private set; } = EndedCounts.None;

    public ConfigurationBook Configurations { get; private set; } = new();

    public GroupBook Groups { get; private set; } = new();

    public CompletionBook Completions { get; private set; } = new();

    public TaskBook Tasks { get; private set; }

    public DeliveryState Delivery { get; } = new();

    public PushState Push { get; } = new();

    public LaunchState Launching { get; } = new();

    public NotificationBook Notifications { get; } = new();

    public CommandLedger Ledger { get; }

    public AbandonedUploads Abandoned { get; } = new();

    public PrefetchState Prefetch { get; private set; } = new();

    /// <summary>Tasks that clients created and that have not ended.</summary>
    public int ClientTasks => Tasks.Count - Prefetch.LiveCount;

    /// <summary>True while something happens or could happen now without anybody asking.</summary>
    public bool HasWork => Tasks.ActiveCount > 0 || Ending is not null || Abandoned.All.Count > 0 || Groups.HasWork || Completions.HasWork || (!Paused && Prefetch.AwaitsList) || (!Paused && (Tasks.Ready.Count > 0 || Tasks.HasToAsk));

    /// <summary>When it has something to do by itself, besides what is going on: a task's time, a webhook, a launch of a client that is not there.</summary>
    public DateTimeOffset? NextDue() =>
        Earliest(Earliest(Earliest(Tasks.NextDue(), PrefetchDecider.BeginsAt(this)), WebhookDecider.NextDue(this)), LaunchDecider.NextDue(this, Presence.Nobody)) is var due
        && Delivery.Expiry(EventRetention) is var (_, at) ? Earliest(due, at) : due;

    /// <summary>Events behind this one are still wanted: nobody acknowledged them, or they are being sent again.</summary>
    public long NeededAfter => Push.IsReplaying ? Math.Min(Push.After, Delivery.Acknowledged) : Delivery.Acknowledged;

    /// <summary>How long events stay that nobody acknowledges.</summary>
    public TimeSpan EventRetention => Configurations.Current.EventRetention ?? ConfigurationBook.EventRetentionDefault;

    internal static DateTimeOffset? Earliest(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other : one;

    public TaskFiles FilesOf(TaskState task) => new(
        Key, Generation, task.Id, task.Spec.Destination?.Container ?? Configurations.Container, task.Spec.Destination?.Path);

    /// <summary>The versions of the configuration that tasks which have not ended, and notifications that are to be sent, were created under.</summary>
    public IReadOnlySet<int> VersionsInUse() => new HashSet<int>([.. Tasks.Versions(), .. Notifications.Versions()]);

    /// <summary>Null for a task that names none.</summary>
    public Destination? DestinationOf(TaskSpec spec) => spec.Destination is { } destination
        ? Destination.Of(Key.Tenant, destination.Container ?? Configurations.Container, destination.Path)
        : null;

    /// <summary>When the file of a task that ended is to be removed; null: it stays, or nothing says which file it is.</summary>
    public FileExpiry? ExpiryOf(TaskState ended) =>
        ended.End is { Outcome: TaskOutcomes.Succeeded, File.ETag: { } etag } end && DestinationOf(ended.Spec) is { } destination
            && Configurations[ended.ConfigurationVersion].FileRetention is { } retention
                ? new FileExpiry(end.At + retention, Generation, ended.Ordinal, destination, etag)
                : null;

    /// <summary>The tasks that ended since the last call, in their final state: rows for the archive.</summary>
    public IReadOnlyList<TaskState> TakeEnded()
    {
        if (_ended.Count == 0)
            return [];
        TaskState[] ended = [.. _ended];
        _ended.Clear();
        return ended;
    }

    /// <summary>
    /// Whether an event that is about to be applied is one that clients see: what becomes of the session's own tasks is not, or a cache would fill the
    /// stream of somebody who waits for something else.
    /// </summary>
    public bool IsNumbered(SessionEvent happened) => SessionEvent.Codec.IsNumbered(happened) && happened switch
    {
        TaskCreated created => !created.Prefetch,
        TaskEvent ofTask => !(Tasks.TryFind(ofTask.Task, out var task) && task.IsPrefetch),
        _ => true,
    };

    public void Apply(SessionEvent happened)
    {
        var isNumbered = IsNumbered(happened);
        if (isNumbered)
            Delivery.TakeNumber(happened.At, EventRetention, isExpiry: happened is EventsExpired);
        ApplyToPart(happened);
        if (isNumbered)
            WebhookTransitions.OnNumbered(this, happened);
    }

    private void ApplyToPart(SessionEvent happened)
    {
        switch (happened)
        {
            case TaskEvent ofTask:
                ApplyToTask(ofTask);
                break;
            case GroupEvent ofGroup:
                ApplyToGroup(ofGroup);
                break;
            case CompletionEvent ofSet:
                Completions.Apply(ofSet, Delivery.LastNumber);
                break;
            case PrefetchEvent ofPrefetch:
                Prefetch.Apply(ofPrefetch);
                break;
            case SessionCreated created:
                ApplyCreated(created);
                break;
            case SessionConfigured configured:
                ApplyConfigured(configured);
                break;
            case SessionPaused:
                Paused = true;
                break;
            case SessionUnpaused:
                Paused = false;
                break;
            case SessionEnding ending:
                Ending = ending;
                Phase = ending.Mode is EndMode.ForceQuit ? Phase : SessionPhase.Invalidating;
                if (ending.Mode is EndMode.ForceQuit)
                    OnForceQuit();
                break;
            case SessionForceQuitEnded:
                Ending = null;
                break;
            case SessionInvalidated:
                (Ending, Phase) = (null, SessionPhase.Invalidated);
                break;
            case UploadAbandoned abandoned:
                Abandoned.Remove(abandoned.Generation, abandoned.Task);
                break;
            case EventsAcknowledged acknowledged:
                Delivery.OnAcknowledged(acknowledged.Through);
                Completions.OnAcknowledged(acknowledged.Through);
                Push.OnAcknowledged(acknowledged.Through);
                break;
            case WebhookEvent webhook:
                WebhookTransitions.Apply(this, webhook);
                break;
            case EventsExpired expired:
                Delivery.OnExpired(expired.Through);
                Completions.OnAcknowledged(expired.Through);
                Push.OnAcknowledged(expired.Through);
                break;
            case EventsDrained:
                Delivery.OnDrained();
                break;
            case CommandAnswered answered:
                Ledger.Add(answered);
                break;
            default:
                throw new InvalidOperationException($"A session does not know the event {happened.GetType().Name}.");
        }
    }

    private void OnForceQuit()
    {
        Launching.OnForceQuit();
        Prefetch.OnForceQuit();
    }

    public void Restore(SessionSnapshot snapshot)
    {
        (Phase, Generation, CreatedAt, LastOrdinal) = (snapshot.Phase, snapshot.Generation, snapshot.CreatedAt, snapshot.LastOrdinal);
        (Paused, Ending, Ended) = (snapshot.Paused, snapshot.Ending, snapshot.Ended);
        foreach (var (version, configuration) in snapshot.Configurations)
            Configurations.Set(version, configuration);
        foreach (var group in snapshot.Groups ?? [])
            Groups.Restore(group);
        Completions.Restore(snapshot.CompletionGroups ?? []);
        Completions.OnAcknowledged(snapshot.Acknowledged); // earlier releases kept those whose event ended with its retention
        foreach (var task in snapshot.Tasks)
            Tasks.Add(InSets(task), Configurations.Container);
        Delivery.Restore(snapshot.LastNumber, snapshot.Acknowledged, snapshot.DrainDue, snapshot.Temporary.Select(kept => KeyValuePair.Create(
            kept.Number, new TaskFiles(Key, kept.Generation, kept.Task, ContainerName.Parse(kept.Container), null))));
        Delivery.RestoreExpiry(snapshot.Expiry);
        Push.Restore(snapshot.Push, snapshot.Acknowledged);
        Launching.Restore(snapshot.Launching);
        Notifications.Restore(snapshot.Notifications);
        foreach (var answered in snapshot.Ledger)
            Ledger.Add(answered);
        foreach (var upload in snapshot.Abandoned ?? [])
            Abandoned.Add(upload);
        Prefetch.Restore(snapshot.Prefetch);
    }

    private TaskBook NewTasks() => new(Groups, version => Configurations.TermsOf(version), Options.UrgentBefore);

    private void ApplyCreated(SessionCreated created)
    {
        Phase = SessionPhase.Active;
        (Generation, CreatedAt, Paused, Ending) = (created.Generation, created.At, false, null);
        Ended = EndedCounts.None;
        Groups = new GroupBook();
        Completions = new CompletionBook();
        Notifications.OnCreated(Configurations);
        Configurations = new ConfigurationBook();
        Tasks = NewTasks();
        Prefetch = new PrefetchState();
        Configurations.Set(1, created.Configuration);
        // What an earlier generation left unread stays to be read, with its temporary files: a launched client opens its session before it reads.
        var isOld = created is { Generation: > 1, KeepsUnread: not true };
        if (isOld)
        {
            LastOrdinal = 0;
            Delivery.OnDrained();
            Delivery.OnAcknowledged(Delivery.LastNumber - 1);
        }
        WebhookTransitions.OnCreated(this, created.Configuration);
        if (isOld)
            Push.OnDelivered(Delivery.Acknowledged, Delivery.Acknowledged);
    }

    /// <summary>Tasks keep the version they were created under; only those that wait for a credential take other credentials.</summary>
    private void ApplyConfigured(SessionConfigured configured)
    {
        var answers = !ConfigurationBook.HaveSameAccess(Configurations.Current, configured.Configuration);
        WebhookTransitions.OnConfigured(this, configured.Configuration);
        if (Configurations.IsFull)
            Configurations.Forget(VersionsInUse());
        Configurations.Set(configured.Version, configured.Configuration);
        foreach (var task in answers ? Tasks.Challenged() : [])
            Tasks.Replace(TaskTransitions.Reaccess(task, configured.Version, configured.At));
    }

    private void ApplyToGroup(GroupEvent happened)
    {
        var group = Groups.Ensure(happened.Group);
        Tasks.Regroup(group, happened switch
        {
            GroupConfigured configured => group.State with { Mode = configured.Mode, Kept = true },
            GroupActing acting => group.State with { Under = new GroupProgress(acting.Act, acting.UpToOrdinal, 0) },
            GroupActed acted => group.State with { Under = acted.ThroughOrdinal < group.State.Under!.UpTo ? group.State.Under with { Through = acted.ThroughOrdinal } : null },
            GroupCompleted => group.State with { Ended = EndedCounts.None },
            _ => throw new InvalidOperationException($"A group does not know the event {happened.GetType().Name}."),
        });
    }

    private TaskState InSets(TaskState task) =>
        task.Spec.CompletionGroup is { } name ? task with { Spec = task.Spec with { CompletionGroup = Completions.OnAdded(name) } } : task;

    private void ApplyToTask(TaskEvent happened)
    {
        if (happened is TaskCreated created)
        {
            Tasks.Add(InSets(TaskTransitions.Create(created)), Configurations.Container);
            LastOrdinal = created.Ordinal;
            if (created.Prefetch)
                Prefetch.OnCreated(created);
            return;
        }
        if (happened is TaskCompleted { Outcome: not TaskOutcomes.Succeeded } && Tasks[happened.Task] is { Run.Part.Upload: not null } unfinished)
            Abandoned.Add(AbandonedUpload.Of(this, unfinished));
        if (happened is TaskMadeCurrent)
        {
            var current = Tasks[happened.Task];
            var group = Groups[current.Spec.Group!.Value];
            Tasks.Regroup(group, group.State with { Current = TaskRank.Of(current) });
            return;
        }
        var task = TaskTransitions.Apply(Tasks[happened.Task], happened);
        if (happened is not TaskCompleted completed)
        {
            Tasks.Replace(task);
            return;
        }
        Tasks.Remove(task.Id, Configurations.Container);
        _ended.Add(task);
        if (task.IsPrefetch)
        {
            Prefetch.OnCompleted(task, completed);
            return;
        }
        Ended = Ended.Plus(completed.Outcome);
        if (task.Spec.Group is { } name)
            Groups.OnEnded(Groups[name], completed.Outcome);
        if (task.Spec.CompletionGroup is { } set)
            Completions.OnEnded(set, completed.Outcome);
        Delivery.OnTaskEnded();
        if (task.End is { Temporary: true })
            Delivery.KeepUntilAcknowledged(FilesOf(task));
        Notifications.OnEnded(task, Delivery.LastNumber, Generation);
    }
}

/// <summary>How many tasks of this generation ended, by outcome.</summary>
internal sealed record EndedCounts(long Succeeded, long Failed, long Cancelled, long Expired)
{
    public static readonly EndedCounts None = new(0, 0, 0, 0);

    public long Total => Succeeded + Failed + Cancelled + Expired;

    public EndedCounts Plus(string outcome) => outcome switch
    {
        TaskOutcomes.Succeeded => this with { Succeeded = Succeeded + 1 },
        TaskOutcomes.Failed => this with { Failed = Failed + 1 },
        TaskOutcomes.Cancelled => this with { Cancelled = Cancelled + 1 },
        TaskOutcomes.Expired => this with { Expired = Expired + 1 },
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "not an outcome"),
    };
}
