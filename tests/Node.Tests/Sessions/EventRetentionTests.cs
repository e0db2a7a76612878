using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>Events that nobody acknowledges, in virtual time.</summary>
public sealed class EventRetentionTests
{
    private static readonly TimeSpan Months = TimeSpan.FromDays(100);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Months } };

    [Fact]
    public void Events_that_nobody_acknowledges_end_with_their_retention_which_is_an_event_and_ends_nothing_itself() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await Task.Delay(TimeSpan.FromDays(13.9), _world.World.Time);
        Assert.Equal((5L, 0L), await NumbersAsync());
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Equal((6L, 5L), await NumbersAsync());
        var expired = Assert.Single(await _world.EventsAsync()); // a reader that begins gets the first that is there
        Assert.Equal((6L, EventTypes.EventsExpired), (expired.Number, expired.Type));
        Assert.Equal((1, 5), (expired.Data.GetProperty("from").GetInt32(), expired.Data.GetProperty("through").GetInt32()));
        Assert.Contains(_world.Runner.Discarded, discarded => discarded.ResultToo); // nobody can learn of the temporary file any more
        await Task.Delay(TimeSpan.FromDays(40), _world.World.Time);
        Assert.Equal((6L, 5L), await NumbersAsync());
    }, Months);

    [Fact]
    public void A_reader_whose_events_ended_is_told_where_to_go_on() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { EventRetention = TimeSpan.FromHours(1) }));
        for (var i = 0; i < 3; i++)
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }));
        await Task.Delay(TimeSpan.FromHours(2), _world.World.Time);
        var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.ReadEvents(2, 10)));
        Assert.Equal((410, ProblemCodes.EventsExpired), (refused.Problem.Status, refused.Problem.Code));
        Assert.Contains("after=4", refused.Problem.Detail, StringComparison.Ordinal);
        Assert.Equal(5, (await _world.AskAsync(new SessionCommand.ReadEvents(4, 10), ProtocolJson.Default.EventPage)).Events.Single().Number);
    }, Months);

    [Fact]
    public void The_time_of_events_goes_on_over_the_death_of_a_node_and_young_ones_stay() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { EventRetention = TimeSpan.FromHours(64) }));
        await Task.Delay(TimeSpan.FromHours(40), _world.World.Time);
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }));
        _world.Crash();
        await _world.StartAsync();
        await Task.Delay(TimeSpan.FromHours(23), _world.World.Time);
        Assert.Equal((2L, 0L), await NumbersAsync());
        await Task.Delay(TimeSpan.FromHours(42), _world.World.Time); // the first is 105 hours old, the second 65
        Assert.Equal((4L, 2L), await NumbersAsync());
        await Task.Delay(TimeSpan.FromDays(40), _world.World.Time);
        Assert.Equal((4L, 2L), await NumbersAsync());
        Assert.Equal([1L, 2L], (await HistoryAsync()).Select(expired => expired.GetProperty("through").GetInt64()));
    }, Months);

    private async Task<(long Last, long Acknowledged)> NumbersAsync()
    {
        var view = await _world.DescribeAsync();
        return (view.LastEvent, view.Acknowledged);
    }

    private async Task<List<System.Text.Json.JsonElement>> HistoryAsync()
    {
        var rows = await _world.Store.ReadRowsAsync(_world.Holder.Current!.Value, SessionWorld.Key, 0, 100, CancellationToken.None);
        return [.. rows!.Where(row => row.EventType == "events.expired.v1").Select(row => System.Text.Json.JsonDocument.Parse(row.Payload).RootElement)];
    }
}
