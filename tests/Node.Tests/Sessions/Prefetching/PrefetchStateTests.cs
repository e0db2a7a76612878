using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Prefetching;

/// <summary>What is prefetched as a part of the session's fold.</summary>
public sealed class PrefetchStateTests
{
    private const string A = "https://origin.example/a";
    private const string List = "https://origin.example/list";

    private readonly SessionHarness _harness = new SessionHarness().Opened();

    private Session Session => _harness.Session;

    [Fact]
    public void Journal_and_snapshot_lead_to_the_same_state_at_every_step_of_a_round()
    {
        _harness.Do(new SessionCommand.SetPrefetch(Settings([A], List) with { Every = TimeSpan.FromHours(1) }));
        _harness.AssertReplaysEqual();
        Take(new PrefetchStep(PrefetchNeed.Begin, 1));
        _harness.AssertReplaysEqual();
        Finish(List);
        Assert.True(Session.HasWork); // it is to be read
        Take(new PrefetchStep(PrefetchNeed.List, 1, [.. Listed(A, "https://origin.example/b"), PrefetchUrl.Of("nonsense") with { Fault = new TaskError { Code = "invalidUrl", Message = "It is none." } }]));
        _harness.AssertReplaysEqual();
        Finish(A);
        Finish("https://origin.example/b");
        _harness.AssertReplaysEqual();
        _harness.Settle();
        Assert.False(Session.Prefetch.IsRunning);
        Assert.Null(Session.Prefetch.LastSuccess);
        _harness.AssertReplaysEqual();
        _harness.Do(new SessionCommand.RemovePrefetch());
        _harness.AssertReplaysEqual();
    }

    [Fact]
    public void A_session_may_leave_memory_between_rounds_and_comes_back_for_the_next()
    {
        _harness.Do(new SessionCommand.SetPrefetch(Settings([A]) with { Every = TimeSpan.FromHours(6) }));
        Assert.Equal(_harness.Now, PrefetchDecider.BeginsAt(Session));
        Take(new PrefetchStep(PrefetchNeed.Begin, 1));
        Assert.Null(PrefetchDecider.BeginsAt(Session));
        Finish(A);
        _harness.Settle();
        Assert.False(Session.HasWork);
        Assert.Equal(_harness.Now.AddHours(6), Session.NextDue());
        Assert.Equal(_harness.Now, Session.Prefetch.LastSuccess);
    }

    [Fact]
    public void A_force_quit_between_two_slices_of_a_list_stops_its_round()
    {
        _harness.Do(new SessionCommand.SetPrefetch(Settings([], List) with { Every = TimeSpan.FromHours(1) }));
        Take(new PrefetchStep(PrefetchNeed.Begin, 1));
        Finish(List);
        var listed = new PrefetchStep(PrefetchNeed.List, 1, Listed([.. Enumerable.Range(0, 150).Select(n => $"https://h{n}.example/")]));
        Take(listed);
        Assert.Equal((100, true), (Session.Prefetch.LiveCount, Session.Prefetch.AwaitsList));
        _harness.Start(Session.Prefetch.Live.First());

        _harness.Do(new SessionCommand.End(EndMode.ForceQuit));
        _harness.AssertReplaysEqual();
        Assert.Empty(PrefetchDecider.Take(Session, listed, ClaimedElsewhere.Nothing, _harness.Now)); // the slice that was under way
        _harness.Settle();
        var running = Assert.Single(Session.Tasks.After(0));
        Assert.True(_harness.Report(running.Id, 1, SessionHarness.Stopped()));
        _harness.Settle();
        Assert.Equal((0, 101, true, false), (Session.Tasks.Count, Session.Prefetch.Entries.Count, Session.Prefetch.Run!.IsStopped, Session.Prefetch.IsRunning));
        Assert.All(Session.Prefetch.Entries.Skip(1), entry => Assert.Equal(TransferCodes.ForceQuit, entry.Error!.Code));
        Assert.Null(Session.Ending);
        _harness.AssertReplaysEqual();

        _harness.Now = _harness.Now.AddHours(3);
        Assert.Equal(PrefetchNeed.None, PrefetchDecider.NeedOf(Session, _harness.Now));
        _harness.Do(new SessionCommand.Open(null));
        Assert.Equal(PrefetchNeed.Begin, PrefetchDecider.NeedOf(Session, _harness.Now));
    }

    [Fact]
    public void A_step_that_comes_late_or_twice_means_nothing()
    {
        _harness.Do(new SessionCommand.SetPrefetch(Settings([A], List)));
        var begin = new PrefetchStep(PrefetchNeed.Begin, 1);
        Take(begin);
        Assert.Empty(PrefetchDecider.Take(Session, begin, ClaimedElsewhere.Nothing, _harness.Now));
        var listed = new PrefetchStep(PrefetchNeed.List, 1, Listed(A));
        Assert.Empty(PrefetchDecider.Take(Session, listed, ClaimedElsewhere.Nothing, _harness.Now)); // it was not fetched
        Finish(List);
        Assert.Empty(PrefetchDecider.Take(Session, listed with { Round = 2 }, ClaimedElsewhere.Nothing, _harness.Now));
        _harness.Do(new SessionCommand.SetPrefetch(Settings(["https://origin.example/c"])));
        Assert.Empty(PrefetchDecider.Take(Session, listed, ClaimedElsewhere.Nothing, _harness.Now)); // of a list that is not in force
        _harness.AssertReplaysEqual();
    }

    [Fact]
    public void Its_tasks_have_no_numbers_are_never_urgent_and_end_when_the_next_round_is_due()
    {
        var last = Session.Delivery.LastNumber;
        _harness.Do(new SessionCommand.SetPrefetch(Settings([A]) with { Every = TimeSpan.FromMinutes(15) }));
        Take(new PrefetchStep(PrefetchNeed.Begin, 1));
        var task = Session.Tasks[Session.Prefetch.Live.Single()];
        Assert.Equal((_harness.Now.AddMinutes(15), 0.0), (task.Spec.Deadline, task.Spec.Priority));
        Session.Tasks.Promote(_harness.Now.AddMinutes(14));
        Assert.True(Session.Tasks.TermsOf(task).Discretionary);
        Assert.Null(Session.Tasks.UrgentAt(task));
        Assert.Null(DeadlineWarning.At(task)); // nobody is to be told
        _harness.Now = _harness.Now.AddMinutes(15);
        _harness.Settle();
        Assert.Equal(("expired", last), (Session.Prefetch.Entries.Single().Outcome, Session.Delivery.LastNumber));
        Assert.Equal(0, Session.Ended.Total);
        Assert.False(Session.Delivery.DrainDue);
        Assert.Equal(_harness.Now, PrefetchDecider.BeginsAt(Session));
        _harness.AssertReplaysEqual();
    }

    private static PrefetchSettings Settings(string[] urls, string? list = null) =>
        new() { Urls = [.. urls.Select(PrefetchUrl.Of)], List = list is null ? null : PrefetchUrl.Of(list) };

    private static PrefetchUrl[] Listed(params string[] urls) => [.. urls.Select(PrefetchUrl.Of)];

    private void Take(PrefetchStep step)
    {
        var events = PrefetchDecider.Take(Session, step, ClaimedElsewhere.Nothing, _harness.Now);
        Assert.NotEmpty(events);
        _harness.Apply(events);
    }

    private void Finish(string url)
    {
        var task = Session.Tasks.After(0).Single(live => live.Spec.Url == url);
        Assert.True(_harness.Report(task.Id, _harness.Start(task.Id), SessionHarness.Finished()));
    }
}
