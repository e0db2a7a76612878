using System.Text;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Prefetching;

/// <summary>Rounds of prefetching by a real session actor, in virtual time.</summary>
public sealed class PrefetchTests
{
    private const string A = "https://origin.example/a";
    private const string B = "https://origin.example/b";
    private const string List = "https://origin.example/list";

    private static readonly TimeSpan Weeks = TimeSpan.FromDays(30);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks } };

    [Fact]
    public void A_round_fetches_every_URL_into_its_file_and_the_next_begins_when_it_is_due() => _world.Run(async () =>
    {
        var set = await StartAsync(Settings([A, B]) with { Every = Hour });
        Assert.Equal((true, "default", "prefetch/nightly", Hour), (set.Created, set.Container, set.Prefix, set.Every));
        await UntilRunningAsync(A, B);
        var running = await ViewAsync();
        Assert.Equal((1L, "running", 0, 0, 2), (running.Round!.Number, running.Round.State, running.Round.Succeeded, running.Round.Failed, running.Round.Pending));
        Assert.Equal("default/prefetch/nightly/d27866ec7eccdcfc3bb6620e9b94d71632e9e374d3930f7c03131b86f0be8076", running.Round.Items[0].File!.ToString());
        var task = await _world.TaskAsync(TaskId.Parse(running.Round.Items[0].Task!));
        Assert.Equal((A, true, running.Round.Items[0].File), (task.Url, task.Prefetch, task.Destination));

        await FinishAsync(A);
        Assert.Null((await ViewAsync()).LastSuccessfulPrefetch);
        await FinishAsync(B);
        var ended = await UntilEndedAsync(1);
        Assert.Equal(("succeeded", 2), (ended.Round!.State, ended.Round.Succeeded));
        Assert.Equal((ended.Round.EndedAt, ended.Round.StartedAt + Hour), (ended.LastSuccessfulPrefetch, ended.NextRoundAt));

        await UntilRunningAsync(A, B);
        var second = await ViewAsync();
        Assert.Equal(2, second.Round!.Number);
        Assert.InRange(second.Round.StartedAt - ended.NextRoundAt!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Equal(ended.LastSuccessfulPrefetch, second.LastSuccessfulPrefetch);
        Assert.Equal(running.Round.Items[0].File, second.Round.Items[0].File);
    }, Weeks);

    [Fact]
    public void Clients_are_neither_told_of_what_is_prefetched_nor_launched_for_it_nor_kept_waiting_by_it() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Launch = new LaunchConfiguration { Url = "https://hooks.example/launch", Secret = "hooks" } }));
        await _world.AskAsync(new SessionCommand.SetPrefetch(Settings([A, B])));
        await UntilRunningAsync(A, B);
        await FinishAsync(A);
        await Task.Delay(Hour, _world.World.Time);
        Assert.Empty(_world.Webhooks.Sent);
        var before = await _world.DescribeAsync();
        Assert.Equal((1L, 0L), (before.LastEvent, before.Counts.Succeeded));
        Assert.Single(await _world.EventsAsync());

        var own = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()), ProtocolJson.Default.TaskView)).Id);
        await _world.UntilAsync(async () => (await _world.TaskAsync(own)).State == "running");
        _world.Runner.Running.Single(attempt => attempt.Order.Files.Task == own).Outcome.SetResult(((AttemptReport.Ended)SessionHarness.Finished()).Outcome);
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 1)); // all of the client's tasks have ended
        Assert.All(await _world.EventsAsync(), happened => Assert.True(happened.Task is null || happened.Task == own.ToString()));
        await _world.AskAsync(new SessionCommand.Acknowledge((await _world.DescribeAsync()).LastEvent));
        Assert.Equal(EventTypes.EventsDrained, (await _world.EventsAsync())[^1].Type);
    }, Weeks);

    [Fact]
    public void A_list_names_more_and_each_URL_is_fetched_once() => _world.Run(async () =>
    {
        await StartAsync(Settings([A], List) with { Every = Hour, Container = "default", Prefix = "cache" });
        await UntilRunningAsync(A, List);
        var names = Enumerable.Range(0, 250).Select(n => $"https://h{n}.example/{n}").Append(A).Append(B).Append(B).ToList();
        await FinishListAsync("cache", string.Join('\n', names));
        _world.Runner.FinishAllWith = Good;
        await FinishAsync(A);
        var ended = await UntilEndedAsync(1);
        Assert.Equal(("succeeded", 253, 0), (ended.Round!.State, ended.Round.Succeeded, ended.Round.Failed));
        Assert.Equal(List, ended.Round.Items.Single(item => item.IsList is true).Url);
        Assert.Equal(names.Append(List).Distinct().Order(), _world.Runner.Attempts.Select(attempt => attempt.Order.Url).Order());
        Assert.Equal(1, _world.Runner.FilesRead);
        var strangers = _world.Runner.Attempts.Where(attempt => attempt.Order.NamedBy is not null).ToList();
        Assert.Equal(250, strangers.Count); // the list's own origin is no stranger, and what is named directly is not either
        Assert.All(strangers, attempt => Assert.Equal("https://origin.example", attempt.Order.NamedBy));
    }, Weeks);

    [Fact]
    public void A_bad_entry_fails_the_round_and_not_the_others() => _world.Run(async () =>
    {
        await StartAsync(Settings([], List));
        await UntilRunningAsync(List);
        _world.Runner.FinishAllWith = Good;
        await FinishListAsync("prefetch/nightly", $"{A}\nftp://old.example/b\n\nnonsense\nhttps://user:secret@host.example/f");
        var ended = await UntilEndedAsync(1);
        Assert.Equal(("failed", 2, 3), (ended.Round!.State, ended.Round.Succeeded, ended.Round.Failed));
        Assert.Equal(
            [
                ("entry 2 of the list", "refused", ProblemCodes.UnsupportedScheme),
                ("entry 3 of the list", "refused", ProblemCodes.InvalidUrl),
                ("entry 4 of the list", "refused", ProblemCodes.InvalidUrl), // and nothing of its password
            ],
            ended.Round.Items.Where(item => item.Error is not null).Select(item => (item.Url, item.Outcome, item.Error!.Code)));
        Assert.Null(ended.LastSuccessfulPrefetch);
    }, Weeks);

    [Theory]
    [InlineData("<html/>", "invalidList")]
    [InlineData(null, "invalidList")]
    public void A_list_that_cannot_be_read_fails_the_round_and_what_is_named_directly_is_fetched(string? content, string code) => _world.Run(async () =>
    {
        await StartAsync(Settings([A], List));
        await UntilRunningAsync(A, List);
        await FinishListAsync("prefetch/nightly", content);
        await _world.UntilAsync(async () => (await ViewAsync()).Round!.ListError is not null);
        Assert.Equal("running", (await ViewAsync()).Round!.State);
        await FinishAsync(A);
        var ended = await UntilEndedAsync(1);
        Assert.Equal(("failed", code, 2), (ended.Round!.State, ended.Round.ListError!.Code, ended.Round.Succeeded));
    }, Weeks);

    [Fact]
    public void Rounds_do_not_overlap_what_is_not_there_in_time_has_failed() => _world.Run(async () =>
    {
        await StartAsync(Settings([A, B]) with { Every = Hour });
        await UntilRunningAsync(A, B);
        await FinishAsync(A);
        await _world.UntilAsync(async () => (await ViewAsync()).Round!.Number == 2, TimeSpan.FromSeconds(10));
        Assert.Equal(4, _world.Runner.Attempts.Count);
        Assert.All(_world.Runner.Attempts.Where(attempt => attempt.Order.Url == B).SkipLast(1), attempt => Assert.True(attempt.Outcome.Task.IsCompleted));
        await FinishAsync(A);
        await FinishAsync(B);
        Assert.Equal("succeeded", (await UntilEndedAsync(2)).Round!.State);
    }, Weeks);

    [Fact]
    public void After_a_crash_a_round_goes_on_and_nothing_that_was_recorded_is_repeated() => _world.Run(async () =>
    {
        await StartAsync(Settings([A], List));
        await UntilRunningAsync(A, List);
        await FinishAsync(A);
        _world.Crash();
        await _world.StartAsync();
        await UntilRunningAsync(List); // its attempt died with the node
        await FinishListAsync("prefetch/nightly", $"{A} \n{B}");
        await UntilRunningAsync(B);
        _world.Crash();
        await _world.StartAsync();
        await UntilRunningAsync(B);
        await FinishAsync(B);
        var ended = await UntilEndedAsync(1);
        Assert.Equal(("succeeded", 3), (ended.Round!.State, ended.Round.Succeeded));
        Assert.Equal([1, 2, 2], ((string[])[A, List, B]).Select(url => _world.Runner.Attempts.Count(attempt => attempt.Order.Url == url)));
        _world.Crash();
        await _world.StartAsync();
        await Task.Delay(Hour, _world.World.Time);
        Assert.Equal(5, _world.Runner.Attempts.Count);
        Assert.Equal(ended.LastSuccessfulPrefetch, (await ViewAsync()).LastSuccessfulPrefetch);
    }, Weeks);

    [Fact]
    public void Another_list_takes_the_place_of_the_one_that_was_the_same_changes_nothing_and_removed_it_stops() => _world.Run(async () =>
    {
        await StartAsync(Settings([A]));
        await UntilRunningAsync(A);
        Assert.Null((await SetAsync(Settings([A]))).Created);
        Assert.Single(_world.Runner.Attempts);

        await SetAsync(Settings([B]));
        await UntilRunningAsync(B);
        Assert.Single(_world.Runner.Running);
        Assert.Equal((2L, B), ((await ViewAsync()).Round!.Number, Assert.Single((await ViewAsync()).Round!.Items).Url));

        Assert.Equal(200, (await _world.AskAsync(new SessionCommand.RemovePrefetch())).Status());
        await _world.UntilAsync(() => Task.FromResult(!_world.Runner.Running.Any()));
        Assert.Equal(ProblemCodes.PrefetchNotFound, Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.GetPrefetch())).Problem.Code);
        Assert.Equal(404, (await _world.AskAsync(new SessionCommand.RemovePrefetch())).Status());
        await Task.Delay(TimeSpan.FromDays(3), _world.World.Time);
        Assert.Equal(2, _world.Runner.Attempts.Count);
    }, Weeks);

    /// <summary>With a key the answer is journaled, and a row that is too long would cost the session its instance.</summary>
    [Fact]
    public void Of_a_round_with_a_thousand_URLs_only_GET_lists_them_and_it_is_removed_with_a_key() => _world.Run(async () =>
    {
        await StartAsync(Settings([], List));
        await UntilRunningAsync(List);
        _world.Runner.FinishAllWith = Good;
        await FinishListAsync("prefetch/nightly", string.Join('\n', Enumerable.Range(0, 1000).Select(n => $"https://h{n}.example/{new string('+', 900)}")));
        var ended = await UntilEndedAsync(1);
        Assert.Equal((1001, 1001), (ended.Round!.Succeeded, ended.Round.Items.Count));

        var set = await SetAsync(Settings([], List));
        Assert.Equal((1001, 0), (set.Round!.Succeeded, set.Round.Items.Count));
        var key = new CommandKey(new CommandId(new Guid(1, 2, 3, new byte[8])), 42);
        var removed = Assert.IsType<CommandReply.Done>(await _world.AskAsync(new SessionCommand.RemovePrefetch(), key));
        Assert.InRange(removed.Json.Length, 1, 1024);
        _world.Crash();
        await _world.StartAsync();
        Assert.Equal(removed.Json.ToArray(), Assert.IsType<CommandReply.Done>(await _world.AskAsync(new SessionCommand.RemovePrefetch(), key)).Json.ToArray());
    }, Weeks);

    [Fact]
    public void The_longest_URLs_that_may_be_named_are_removed_with_a_key() => _world.Run(async () =>
    {
        const int count = PrefetchSettings.UrlsMax, each = PrefetchSettings.UrlBytesMax / count;
        _world.Runner.FinishAllWith = Good;
        await StartAsync(Settings([.. Enumerable.Range(0, count).Select(n => $"https://h{n}.example/".PadRight(each, '+'))], List.PadRight(UrlText.BytesMax, '+')));
        await _world.UntilAsync(async () => (await ViewAsync()).Round is { Succeeded: count + 1 });
        var key = new CommandKey(new CommandId(new Guid(1, 2, 3, new byte[8])), 42);
        Assert.Equal(200, (await _world.AskAsync(new SessionCommand.RemovePrefetch(), key)).Status());
        Assert.Equal(200, (await _world.AskAsync(new SessionCommand.RemovePrefetch(), key)).Status());
    }, Weeks);

    [Fact]
    public void No_round_begins_while_the_session_is_suspended_or_was_force_quit() => _world.Run(async () =>
    {
        _world.Runner.FinishAllWith = Good;
        await StartAsync(Settings([A]) with { Every = Hour });
        await UntilEndedAsync(1);
        await _world.AskAsync(new SessionCommand.SuspendAll(true));
        Assert.Null((await ViewAsync()).NextRoundAt);
        await Task.Delay(Hour * 3, _world.World.Time);
        Assert.Equal(1, (await ViewAsync()).Round!.Number);
        await _world.AskAsync(new SessionCommand.SuspendAll(false));
        await UntilEndedAsync(2); // one, not one for each that was missed

        await _world.AskAsync(new SessionCommand.End(EndMode.ForceQuit));
        await Task.Delay(Hour * 3, _world.World.Time);
        Assert.Equal(2, (await ViewAsync()).Round!.Number);
        await _world.AskAsync(new SessionCommand.Open(null));
        await UntilEndedAsync(3);
    }, Weeks);

    [Fact]
    public void A_session_that_ends_prefetches_nothing_more_and_does_not_wait_for_it() => _world.Run(async () =>
    {
        await StartAsync(Settings([A, B]));
        await UntilRunningAsync(A, B);
        await _world.AskAsync(new SessionCommand.End(EndMode.Finish));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).State == "invalidated");
        Assert.Equal(ProblemCodes.SessionInvalidated, Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.SetPrefetch(Settings([A])))).Problem.Code);
        await _world.AskAsync(new SessionCommand.Open(null));
        Assert.Equal(404, (await _world.AskAsync(new SessionCommand.GetPrefetch())).Status());
    }, Weeks);

    [Fact]
    public void A_file_that_another_sessions_task_writes_to_is_left_to_it() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var other = _world.StartSession(SessionKey.Parse("acme/daily"));
        await _world.Post(new SessionCommand.Open(null), other);
        var file = (Settings([]) with { Container = "default", Prefix = "prefetch/nightly" }).FileOf(PrefetchUrl.Of(A).Name);
        await _world.Post(new SessionCommand.AddTask(SessionHarness.Download("o") with { Destination = file }), other);
        await SetAsync(Settings([A, B]));
        await UntilRunningAsync(B, "https://origin.example/a.bin");
        await FinishAsync(B);
        var ended = await UntilEndedAsync(1);
        Assert.Equal(("failed", ProblemCodes.DestinationTaken), (ended.Round!.State, ended.Round.Items.Single(item => item.Url == A).Error!.Code));
    }, Weeks);

    private static PrefetchSettings Settings(string[] urls, string? list = null) =>
        new() { Urls = [.. urls.Select(PrefetchUrl.Of)], List = list is null ? null : PrefetchUrl.Of(list) };

    private static AttemptOutcome Good => ((AttemptReport.Ended)SessionHarness.Finished()).Outcome;

    private async Task<PrefetchView> StartAsync(PrefetchSettings settings)
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { MaxConnectionsPerHost = 16 }));
        return await SetAsync(settings);
    }

    private Task<PrefetchView> SetAsync(PrefetchSettings settings) => _world.AskAsync(new SessionCommand.SetPrefetch(settings), ProtocolJson.Default.PrefetchView);

    private Task<PrefetchView> ViewAsync() => _world.AskAsync(new SessionCommand.GetPrefetch(), ProtocolJson.Default.PrefetchView);

    private Task UntilRunningAsync(params string[] urls) => _world.UntilAsync(
        () => Task.FromResult(_world.Runner.Running.Select(attempt => attempt.Order.Url).Order().SequenceEqual(urls.Order())), TimeSpan.FromSeconds(10));

    private async Task<PrefetchView> UntilEndedAsync(long round)
    {
        await _world.UntilAsync(async () => (await ViewAsync()).Round is { EndedAt: not null } ended && ended.Number == round, TimeSpan.FromSeconds(10));
        return await ViewAsync();
    }

    private async Task FinishAsync(string url)
    {
        _world.Runner.Running.Single(attempt => attempt.Order.Url == url).Outcome.SetResult(Good);
        await _world.UntilAsync(async () => (await ViewAsync()).Round!.Items.Single(item => item.Url == url).Outcome is not null);
    }

    /// <summary>The list is there; null: its file is gone when it is read.</summary>
    private async Task FinishListAsync(string prefix, string? content)
    {
        if (content is not null)
            _world.Runner.Files[(Settings([]) with { Container = "default", Prefix = prefix }).FileOf(PrefetchUrl.Of(List).Name).ToString()] = Encoding.UTF8.GetBytes(content);
        await FinishAsync(List);
    }
}
