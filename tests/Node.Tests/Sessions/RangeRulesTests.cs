using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>Random access: what is wanted, what is told, and what a deferral holds back.</summary>
public sealed class RangeRulesTests
{
    private readonly SessionHarness _session = new SessionHarness().Opened();

    [Fact]
    public void Only_a_task_with_random_access_takes_wishes()
    {
        var plain = _session.Add();
        Assert.Equal(ProblemCodes.NotRandomAccess, _session.Problem(Want(plain, 0, 10)).Code);
        Assert.Equal(ProblemCodes.TaskNotFound, _session.Problem(Want(TaskId.Parse("t9"), 0, 10)).Code);
    }

    [Fact]
    public void Wishes_are_kept_and_leave_when_their_bytes_are_durable()
    {
        var id = Add();
        Assert.Equal([[10L, 20L]], View(Want(id, 10, 20)).Wanted);
        Assert.Equal([[10L, 20L], [30L, 40L]], View(Want(id, 30, 40)).Wanted);
        var attempt = _session.Start(id);
        Report(id, attempt, RangeSet.Of(10, 35));
        Assert.Equal([[35L, 40L]], RangeDecider.View(_session.Session.Tasks[id]).Wanted);
        Assert.Equal([[35L, 40L], [50L, 60L]], View(Want(id, 50, 60)).Wanted);
        Assert.Equal([[35L, 40L], [50L, 60L]], View(Want(id, 12, 20)).Wanted); // there already
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Too_many_wishes_are_refused()
    {
        var id = Add();
        var many = RangeSet.Of(Enumerable.Range(0, TaskRanges.WantedMax + 1).Select(i => new ByteRange(i * 10L, (i * 10L) + 1)));
        Assert.Equal(ProblemCodes.TooManyItems, _session.Problem(new SessionCommand.WantRanges(id, many, null, false)).Code);
    }

    [Fact]
    public void Each_checkpoint_tells_what_it_made_durable_once()
    {
        var id = Add();
        var attempt = _session.Start(id);
        Report(id, attempt, RangeSet.Of(0, 10));
        Report(id, attempt, RangeSet.Of(0, 10));
        Report(id, attempt, RangeSet.Of([new ByteRange(0, 15), new ByteRange(20, 30)]));
        Assert.Equal([RangeSet.Of(0, 10), RangeSet.Of([new ByteRange(10, 15), new ByteRange(20, 30)])], Told());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_deferral_gathers_what_comes_until_it_is_released()
    {
        var id = Add();
        var attempt = _session.Start(id);
        _session.Do(new SessionCommand.WantRanges(id, RangeSet.Empty, TimeSpan.FromMinutes(1), false));
        Report(id, attempt, RangeSet.Of(0, 10));
        Report(id, attempt, RangeSet.Of(0, 20));
        Assert.Empty(Told());
        _session.Do(new SessionCommand.WantRanges(id, RangeSet.Empty, null, true));
        Assert.Equal([RangeSet.Of(0, 20)], Told());
        Report(id, attempt, RangeSet.Of(0, 30));
        Assert.Equal(2, Told().Count);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_deferral_ends_with_its_time()
    {
        var id = Add();
        var attempt = _session.Start(id);
        _session.Do(new SessionCommand.WantRanges(id, RangeSet.Empty, TimeSpan.FromMinutes(1), false));
        Report(id, attempt, RangeSet.Of(0, 10));
        Assert.Equal(_session.Now + TimeSpan.FromMinutes(1), _session.Session.Tasks.NextDue());
        _session.Now += TimeSpan.FromMinutes(1);
        _session.Settle();
        Assert.Equal([RangeSet.Of(0, 10)], Told());
        Assert.NotEqual(_session.Now, _session.Session.Tasks.NextDue());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void After_a_start_from_zero_everything_is_told_anew()
    {
        var id = Add();
        var attempt = _session.Start(id);
        Report(id, attempt, RangeSet.Of(0, 10));
        _session.Report(id, attempt, new AttemptReport.Restarted("It changed."));
        Report(id, attempt, RangeSet.Of(0, 5));
        Assert.Equal([RangeSet.Of(0, 10), RangeSet.Of(0, 5)], Told());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Other_downloads_tell_nothing_of_their_ranges()
    {
        var id = _session.Add();
        Report(id, _session.Start(id), RangeSet.Of(0, 10));
        Assert.Empty(Told());
    }

    private TaskId Add() => _session.Add(SessionHarness.Download() with { RandomAccess = true });

    private static SessionCommand.WantRanges Want(TaskId id, long from, long to) => new(id, RangeSet.Of(from, to), null, false);

    private RangesView View(SessionCommand command) =>
        JsonSerializer.Deserialize(Assert.IsType<CommandReply.Done>(_session.Do(command)).Json.Span, ProtocolJson.Default.RangesView)!;

    private void Report(TaskId id, int attempt, RangeSet durable)
    {
        var prefix = durable.Prefix;
        var beyond = durable.Remove(new ByteRange(0, prefix));
        Assert.True(_session.Report(id, attempt, new AttemptReport.Checkpointed(
            new PartCheckpoint { Part = "p1", Bytes = prefix, Ranges = beyond.IsEmpty ? null : beyond, Total = 100, Validator = "\"v1\"" })));
    }

    private List<RangeSet> Told() => [.. _session.History.OfType<TaskRangesDownloaded>().Select(told => told.Ranges)];
}
