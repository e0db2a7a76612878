using System.Globalization;
using System.Runtime.CompilerServices;

namespace Backhaul.Features.Tests;

/// <summary>The place of one test: its caller, its session, its address of the origin, its hooks; and ways to wait for what should come.</summary>
internal sealed class Scene
{
    /// <summary>Far more than anything here takes; a machine that is busy must not fail a test.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    private const int PollSeconds = 20;

    private readonly FeatureWorld _world;
    private readonly Way _way;
    private readonly int _number;

    public Scene(FeatureWorld world, Way way, int number)
    {
        (_world, _way, _number) = (world, way, number);
        Session = Name("s");
        Caller = world.Caller(way);
        Origin = OriginAt(0);
    }

    public ICaller Caller { get; }

    /// <summary>The identifier of this test's session; its tenant has none of that name before.</summary>
    public string Session { get; }

    public TestOrigin Origin { get; }

    public FeatureWorld World => _world;

    public CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>A name that no other test has.</summary>
    public string Name(string start) => string.Create(CultureInfo.InvariantCulture, $"{start}-{_number}-{_way}").ToLowerInvariant();

    /// <summary>One more origin of this test.</summary>
    public TestOrigin OriginAt(int more) =>
        new(_world.Origin, string.Create(CultureInfo.InvariantCulture, $"127.{1 + more}.{_number / 250}.{1 + (_number % 250)}"), Session);

    /// <summary>Another client of the same tenant, as after a restart of its process.</summary>
    public ICaller AnotherCaller() => _world.Caller(_way);

    public ICaller CallerOfOtherTenant() => _world.Caller(_way, ofOtherTenant: true);

    /// <summary>Where webhooks of this test go.</summary>
    public string HookUrl(string name) => _world.Receiver.UrlOf(HookPath(name));

    /// <summary>The same as a configuration writes it, signed by the secret <c>hooks</c>.</summary>
    public string Hook(string name) => $$"""{"url":"{{HookUrl(name)}}","secret":"hooks"}""";

    public string HookPath(string name) => $"/{Session}/{name}";

    public Task<SessionView> OpenAsync(string? configuration = null) => Caller.OpenAsync(Session, configuration);

    public Task<TaskView> AddAsync(string task) => Caller.AddAsync(Session, task);

    public Task<TaskView> TaskAsync(string task) => Caller.TaskAsync(Session, task);

    /// <summary>A download of a file of this test's origin, into a temporary file unless <paramref name="rest"/> says otherwise.</summary>
    /// <param name="id">Of the task.</param>
    /// <param name="url">Of the origin.</param>
    /// <param name="rest">More fields, beginning with a comma.</param>
    public Task<TaskView> DownloadAsync(string id, string url, string rest = "") =>
        AddAsync($$"""{"id":"{{id}}","kind":"download","url":"{{url}}"{{rest}}}""");

    /// <summary>A task that has ended as it should.</summary>
    public async Task<TaskView> SucceededAsync(string task)
    {
        var ended = await EndedAsync(task);
        Assert.True(ended.Outcome == "succeeded", $"{task} ended as {ended.Outcome}: {ended.Error}");
        return ended;
    }

    public Task<TaskView> EndedAsync(string task) => WhenAsync(task, view => view.State == "completed");

    public Task<TaskView> WaitsAsync(string task, string reason) => WhenAsync(task, view => view.State == "waiting" && view.Reason == reason);

    /// <summary>Suspends a task and waits until its attempt has stopped, and with it the count of its bytes.</summary>
    public async Task<TaskView> SuspendedAsync(string task)
    {
        await Caller.ActAsync(Session, task, "suspend");
        await Eventually.TrueAsync(
            async () => (await Caller.AttemptsAsync(Session, task)).All(attempt => attempt.EndedAt is not null), Within, () => $"the attempt of {task} to stop");
        var held = await TaskAsync(task);
        Assert.Equal("suspended", held.State);
        return held;
    }

    /// <summary>Waits until a task satisfies a condition; its view. Looks again and again, so that no client counts as attached by it.</summary>
    public async Task<TaskView> WhenAsync(string task, Func<TaskView, bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        TaskView? last = null;
        return await Eventually.GetAsync(
            async () => condition(last = await TaskAsync(task)) ? last : null, Within, () => $"{task} to satisfy {what}; it is {last}");
    }

    /// <summary>Waits until the session satisfies a condition; its view.</summary>
    public async Task<SessionView> WhenSessionAsync(Func<SessionView, bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        SessionView? last = null;
        return await Eventually.GetAsync(
            async () => condition(last = await Caller.SessionAsync(Session)) ? last : null, Within, () => $"{Session} to satisfy {what}; it is {last}");
    }

    /// <summary>Waits by a long poll for an event of a type (of a task).</summary>
    public async Task<EventView> EventAsync(string type, string? task = null, long after = 0)
    {
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(started) < Within)
        {
            var page = await Caller.EventsAsync(Session, after, waitSeconds: PollSeconds);
            if (page.Events.FirstOrDefault(shown => shown.Type == type && (task is null || shown.Task == task)) is { } found)
                return found;
            if (page.Events.Count > 0)
                after = page.Events[^1].Number;
        }
        throw new TimeoutException($"{Session} got no {type}{(task is null ? "" : $" of {task}")}. Its events: {string.Join("; ", await AllEventsAsync())}");
    }

    /// <summary>All events that are there.</summary>
    public async Task<IReadOnlyList<EventView>> AllEventsAsync(long after = 0)
    {
        var all = new List<EventView>();
        while (await Caller.EventsAsync(Session, after) is { Events: { Count: > 0 } events })
        {
            all.AddRange(events);
            after = events[^1].Number;
        }
        return all;
    }

    public async Task<bool> HasContentAsync(string task)
    {
        try
        {
            await Caller.ContentAsync(Session, task);
            return true;
        }
        catch (Refused refused) when (refused.Code == ProblemCodes.NoContent)
        {
            return false;
        }
    }

    /// <summary>Waits for the nth webhook at a path of this test.</summary>
    public Task<Hook> HookAsync(string name, int nth = 1) => Eventually.GetAsync(
        () => Task.FromResult(_world.Receiver.At(HookPath(name)).ElementAtOrDefault(nth - 1)), Within, () => $"webhook {nth} at {HookPath(name)}");

    /// <summary>The refusal that a call meets.</summary>
    public static Task<Refused> RefusedAsync(Func<Task> call) => Assert.ThrowsAsync<Refused>(call);
}
