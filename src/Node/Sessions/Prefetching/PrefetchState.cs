using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What a session prefetches and how far its round is. Part of the session's fold.
/// <code>
///   set ──due──► round began ──list fetched──► listed, in slices ──┐
///    ▲              └── no list, or it failed ─────────────────────┴─all tasks ended──► round ended ──every──► due
///    └── set anew, removed or quit by force: the round stops, its tasks are cancelled, then it ends
/// </code>
/// Invariants: at most one round has live tasks; a URL is in a round once; what the last round came to stays until the next begins. What was fetched, and where it
/// lies, is known by the names of files for as long as rounds have them, whichever round fetched it last.
/// </summary>
internal sealed class PrefetchState
{
    private const string Nobody = "https://nobody.invalid";

    /// <summary>As many as a round has URLs. Beyond it a file is fetched anew each time.</summary>
    private const int FetchedMax = PrefetchSettings.UrlsMax + PrefetchSettings.ListedMax + 1;

    private readonly List<PrefetchEntry> _entries = [];
    private readonly Dictionary<TaskId, int> _live = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PrefetchedFile> _fetched = new(StringComparer.Ordinal);

    public PrefetchSettings? Settings { get; private set; }

    /// <summary>The next round begins no earlier.</summary>
    public DateTimeOffset DueAt { get; private set; }

    public DateTimeOffset? LastSuccess { get; private set; }

    /// <summary>Rounds count on through settings.</summary>
    public long LastRound { get; private set; }

    public PrefetchRun? Run { get; private set; }

    public bool IsRunning => Run is { EndedAt: null };

    /// <summary>The URLs of the newest round.</summary>
    public IReadOnlyList<PrefetchEntry> Entries => _entries;

    public int LiveCount => _live.Count;

    public IEnumerable<TaskId> Live => _live.Keys;

    public bool Has(string name) => _names.Contains(name);

    /// <summary>The list was fetched and is not read to its end.</summary>
    public bool AwaitsList => Run is { EndedAt: null, IsStopped: false, IsListed: false, List: { } list }
        && _entries.Exists(entry => entry.Task == list && entry.Outcome == TaskOutcomes.Succeeded);

    /// <summary>
    /// The origin of the list, for a URL of another origin that the client did not name: whoever serves the list may name any URL, and what the session means for its
    /// origins goes to the list's own and no other. Null for the client's own URLs. One of a list that is not in force any more is nobody's.
    /// </summary>
    public string? StrangerTo(string url)
    {
        if (Settings is null)
            return Nobody;
        if (Settings.List?.Url == url || Settings.Urls.Any(named => named.Url == url))
            return null;
        var origin = Settings.List is { } list ? OriginName.Of(list.Url) : Nobody;
        return origin.Equals(OriginName.Of(url), StringComparison.OrdinalIgnoreCase) ? null : origin.ToString();
    }

    /// <summary>
    /// What a round fetched into the file of this task, when it asked as this one will: under another version of the configuration other headers may ask for another
    /// content, which a date would not tell apart.
    /// </summary>
    public FetchedFile? FetchedBefore(TaskState task) =>
        _fetched.TryGetValue(NameOf(task.Spec), out var known) && known.ConfigurationVersion == task.ConfigurationVersion ? known.File : null;

    public void Apply(PrefetchEvent happened)
    {
        switch (happened)
        {
            case PrefetchSet set:
                if (Settings?.Place != set.Settings.Place)
                    _fetched.Clear();
                (Settings, DueAt) = (set.Settings, set.At);
                Stop();
                break;
            case PrefetchRemoved:
                Settings = null;
                _fetched.Clear();
                Stop();
                break;
            case PrefetchBegan began:
                _entries.Clear();
                _names.Clear();
                (LastRound, DueAt) = (began.Round, began.At + Settings!.Every);
                Run = new PrefetchRun { Number = began.Round, StartedAt = began.At, List = began.List, Place = Settings.Place };
                Add(began.Refused);
                break;
            case PrefetchListed listed:
                Run = Run! with { ListedThrough = listed.Through, IsListed = listed.IsLast, ListError = listed.Error };
                Add(listed.Refused);
                break;
            case PrefetchEnded ended:
                Run = Run! with { EndedAt = ended.At, Succeeded = ended.Succeeded };
                ForgetOthers();
                LastSuccess = ended.Succeeded ? ended.At : LastSuccess;
                break;
            default:
                throw new InvalidOperationException($"Prefetching does not know the event {happened.GetType().Name}.");
        }
    }

    public void OnCreated(TaskCreated created)
    {
        _live.Add(created.Task, _entries.Count);
        Add(new PrefetchEntry { Url = created.Spec.Url, Name = NameOf(created.Spec), Task = created.Task });
    }

    public void OnCompleted(TaskState task, TaskCompleted completed)
    {
        if (!_live.Remove(completed.Task, out var at))
            return;
        var entry = _entries[at];
        _entries[at] = entry with
        {
            Outcome = completed.Outcome,
            Error = completed.Outcome == TaskOutcomes.Succeeded ? null : completed.Error,
            SparedBytes = completed is { Unchanged: true, Fetched: { } spared } ? spared.Identity.Length : null,
        };
        if (completed.Outcome != TaskOutcomes.Succeeded)
            return; // what an earlier round fetched is still there
        _fetched.Remove(entry.Name);
        if (completed.Fetched is { } fetched && Run is { IsStopped: false } && _fetched.Count < FetchedMax)
            _fetched.Add(entry.Name, new PrefetchedFile { Name = entry.Name, File = fetched, ConfigurationVersion = task.ConfigurationVersion });
    }

    /// <summary>What is left of a list gets no tasks: they would be created behind the quit, and nobody would have asked for them.</summary>
    public void OnForceQuit() => Stop();

    public PrefetchSnapshot? ToSnapshot() => Settings is null && LastRound == 0 ? null : new PrefetchSnapshot
    {
        Settings = Settings,
        DueAt = DueAt,
        LastSuccess = LastSuccess,
        LastRound = LastRound,
        Run = Run,
        Entries = [.. _entries],
        Fetched = _fetched.Count == 0 ? null : [.. _fetched.Values.OrderBy(known => known.Name, StringComparer.Ordinal)],
    };

    public void Restore(PrefetchSnapshot? stored)
    {
        if (stored is null)
            return;
        (Settings, DueAt, LastSuccess, LastRound, Run) = (stored.Settings, stored.DueAt, stored.LastSuccess, stored.LastRound, stored.Run);
        foreach (var entry in stored.Entries)
        {
            if (entry is { Task: { } task, Outcome: null })
                _live.Add(task, _entries.Count);
            Add(entry);
        }
        foreach (var known in stored.Fetched ?? [])
            _fetched.Add(known.Name, known);
    }

    private static string NameOf(TaskSpec spec)
    {
        var file = spec.Destination!.Path.ToString();
        return file[(file.LastIndexOf('/') + 1)..];
    }

    /// <summary>What the round that ended did not have: once it is known to have had everything.</summary>
    private void ForgetOthers()
    {
        if (Run is not { IsStopped: false, ListError: null } run || (Settings?.List is not null && !run.IsListed))
            return;
        foreach (var name in _fetched.Keys.Where(name => !_names.Contains(name)).ToList())
            _fetched.Remove(name);
    }

    private void Stop()
    {
        if (IsRunning)
            Run = Run! with { IsStopped = true };
    }

    private void Add(IReadOnlyList<PrefetchRefusal>? refused)
    {
        foreach (var (url, name, error) in refused ?? [])
            Add(new PrefetchEntry { Url = url, Name = name, Outcome = PrefetchEntry.Refused, Error = error });
    }

    private void Add(PrefetchEntry entry)
    {
        _entries.Add(entry);
        _names.Add(entry.Name);
    }
}

/// <summary>A round. Persisted.</summary>
internal sealed record PrefetchRun
{
    public required long Number { get; init; }
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The task that fetches the list; null when there is none.</summary>
    public TaskId? List { get; init; }

    /// <summary>Entries of the list that were dealt with.</summary>
    public int ListedThrough { get; init; }

    /// <summary>All of them were, or the list cannot be read.</summary>
    public bool IsListed { get; init; }
    public TaskError? ListError { get; init; }

    /// <summary>Its settings are not in force any more, or the session was quit by force.</summary>
    public bool IsStopped { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public bool Succeeded { get; init; }

    /// <summary>Where its files are; null in rounds of builds that did not say.</summary>
    public PrefetchPlace? Place { get; init; }
}

/// <summary>A URL of a round. Persisted.</summary>
internal sealed record PrefetchEntry
{
    /// <summary>The outcome of one that got no task.</summary>
    public const string Refused = "refused";

    public required string Url { get; init; }

    /// <summary>Of its file.</summary>
    public required string Name { get; init; }
    public TaskId? Task { get; init; }

    /// <summary>Null while its task is live.</summary>
    public string? Outcome { get; init; }
    public TaskError? Error { get; init; }

    /// <summary>The length of its file, which the origin said has not changed; null when it was fetched, or not there.</summary>
    public long? SparedBytes { get; init; }
}

/// <summary>A file that lies where rounds put it. Persisted.</summary>
internal sealed record PrefetchedFile
{
    public required string Name { get; init; }
    public required FetchedFile File { get; init; }

    /// <summary>Whose headers it was asked for with.</summary>
    public required int ConfigurationVersion { get; init; }
}

/// <summary>Persisted.</summary>
internal sealed record PrefetchSnapshot
{
    public PrefetchSettings? Settings { get; init; }
    public required DateTimeOffset DueAt { get; init; }
    public DateTimeOffset? LastSuccess { get; init; }
    public required long LastRound { get; init; }
    public PrefetchRun? Run { get; init; }
    public required IReadOnlyList<PrefetchEntry> Entries { get; init; }

    /// <summary>Null in snapshots of builds that knew none.</summary>
    public IReadOnlyList<PrefetchedFile>? Fetched { get; init; }
}
