using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>
/// What a generation leaves unread when the next one begins, by a real session actor. A launched client opens its session before it reads: what it was launched
/// for must still be there.
/// </summary>
public sealed class GenerationTests
{
    private static readonly TimeSpan Weeks = TimeSpan.FromDays(30);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks } };

    [Fact]
    public void What_is_unread_of_an_ended_generation_is_read_in_the_next_one_with_its_temporary_files() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var task = await EndTaskAsync();
        await EndSessionAsync();
        var last = (await _world.DescribeAsync()).LastEvent;
        await _world.AskAsync(new SessionCommand.Open(null));
        _world.Crash();
        await _world.StartAsync();
        var view = await _world.DescribeAsync();
        Assert.Equal((2, last + 1, 0L), (view.Generation, view.LastEvent, view.Acknowledged));
        Assert.Equal(Enumerable.Range(1, (int)last + 1), (await _world.EventsAsync()).Select(happened => (int)happened.Number));
        Assert.DoesNotContain(_world.Runner.Discarded, discarded => discarded.ResultToo);

        // Its event names the task, and by that name its file is read; no task of the new generation takes the name.
        Assert.Equal("succeeded", (await _world.TaskAsync(task)).Outcome);
        Assert.NotNull((await _world.AskAsync(new SessionCommand.LocateContent(task), SessionJson.Default.TaskContent)).File);
        Assert.Equal([0], (await ReferencesAsync(task)).Results);
        var added = await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }), ProtocolJson.Default.TaskView);
        Assert.NotEqual(task.ToString(), added.Id);

        await _world.AskAsync(new SessionCommand.CancelTask(TaskId.Parse(added.Id)));
        await _world.AskAsync(new SessionCommand.Acknowledge((await _world.DescribeAsync()).LastEvent));
        Assert.Equal(EventTypes.EventsDrained, (await _world.EventsAsync())[^1].Type);
        Assert.Equal((1, task), (_world.Runner.Discarded.Single(discarded => discarded.ResultToo).Files is var files ? (files.Generation, files.Task) : default));
        Assert.Empty((await ReferencesAsync(task)).Results);
        Assert.Equal(ProblemCodes.TaskNotFound, Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.GetTask(task))).Problem.Code);
    }, Weeks);

    [Fact]
    public void The_push_target_of_a_new_generation_gets_what_is_unread_of_the_old_one_first() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await EndTaskAsync();
        await EndSessionAsync();
        await _world.AskAsync(new SessionCommand.Acknowledge(2));
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/in", Secret = "hooks" } }));
        var last = (await _world.DescribeAsync()).LastEvent;
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged >= last);
        var pushed = _world.Webhooks.Sent.Select(message => JsonDocument.Parse(message.Body).RootElement.GetProperty("data").GetProperty("number").GetInt32()).ToList();
        Assert.Equal(Enumerable.Range(3, (int)last - 2), pushed.Take((int)last - 2));
    }, Weeks);

    [Fact]
    public void A_replay_to_the_target_of_the_old_generation_ends_with_it()
    {
        var session = new SessionHarness().Opened(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/in", Secret = "hooks" } });
        session.Do(new SessionCommand.End(EndMode.Cancel));
        session.Settle();
        session.Do(new SessionCommand.Acknowledge(2));
        session.Apply([new PushReplayed(1, session.Now)]);
        session.Do(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/new", Secret = "hooks" } }));
        Assert.Equal((false, 2L, 3L), (session.Session.Push.IsReplaying, session.Session.Push.After, session.Session.Push.LastWanted));
        session.AssertReplaysEqual();
    }

    /// <summary>A release that threw away what was unread trimmed it too: its journal says now that it is unread, and it is read from the first row that is kept.</summary>
    [Fact]
    public void A_journal_whose_unread_events_were_trimmed_is_read_from_the_first_one_kept() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await EndTaskAsync();
        await StopAsync(); // a snapshot
        await _world.StartAsync();
        var trimmed = (await _world.DescribeAsync()).LastEvent;
        await EndTaskAsync();
        await StopAsync(); // another one
        await _world.StartAsync();
        await EndSessionAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        Assert.True(await _world.Store.TrimAsync(_world.Holder.Current!.Value, SessionWorld.Key, long.MaxValue, 1_000, CancellationToken.None) > 0);
        _world.Crash();
        await _world.StartAsync();
        var view = await _world.DescribeAsync();
        Assert.Equal((2, 0L), (view.Generation, view.Acknowledged));
        var events = await _world.EventsAsync();
        Assert.Equal(Enumerable.Range((int)trimmed + 1, (int)(view.LastEvent - trimmed)), events.Select(happened => (int)happened.Number));
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/in", Secret = "hooks" } }));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged >= view.LastEvent);
        Assert.Equal(view.LastEvent - trimmed + 1, _world.Webhooks.Sent.Count); // those that are kept, and that everything was read
    }, Weeks);

    /// <summary>Rows mean what they meant when they were written: then, a new generation acknowledged everything before it.</summary>
    [Fact]
    public void A_generation_that_an_earlier_release_began_left_nothing_unread()
    {
        var session = new SessionHarness().Opened();
        session.Do(new SessionCommand.End(EndMode.Cancel));
        session.Settle();
        var last = session.Session.Delivery.LastNumber;
        session.Apply([new SessionCreated(2, session.Session.Configurations.Current, session.Now)]);
        Assert.Equal((last, last + 1, false), (session.Session.Delivery.Acknowledged, session.Session.Delivery.LastNumber, session.Session.Delivery.DrainDue));
        session.AssertReplaysEqual();

        var now = new SessionHarness().Opened();
        now.Do(new SessionCommand.End(EndMode.Cancel));
        now.Settle();
        now.Do(new SessionCommand.Open(null));
        Assert.Equal((2, 0L), (now.Session.Generation, now.Session.Delivery.Acknowledged));
        now.AssertReplaysEqual();
    }

    private async Task<TaskId> EndTaskAsync()
    {
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        var id = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()), ProtocolJson.Default.TaskView)).Id);
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "completed");
        return id;
    }

    private async Task EndSessionAsync()
    {
        await _world.AskAsync(new SessionCommand.End(EndMode.Finish));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).State == "invalidated");
    }

    private async Task StopAsync()
    {
        _world.Session.Stop(StopReason.Drain);
        await _world.Session.Completion;
    }

    private Task<FileReferences> ReferencesAsync(TaskId task) =>
        _world.AskAsync(new SessionCommand.FindReferenced([new TaskStem(1, task)]), FileReferencesJson.Default.FileReferences);
}
