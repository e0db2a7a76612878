using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Sessions.Webhooks;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>Lists of tasks that have ended, of which there may be very many: how often they ask the store, and that pages neither leave out nor repeat.</summary>
public sealed class ArchivedListTests
{
    private const int Rows = 2_000;
    private static readonly GroupName Rare = GroupName.Parse("rare");

    private readonly SessionWorld _world = new();
    private readonly List<(long After, int Most)> _reads = [];
    private Action _onRead = static () => { };

    /// <summary>With a page of one it was once read two rows at a time.</summary>
    [Fact]
    public void Few_among_many_are_found_in_few_reads_each_once() => _world.Run(async () =>
    {
        await StartAsync([700, 1500, 1501, 1900]);
        List<string> found = [];
        var after = 0L;
        do
        {
            var page = await _world.AskAsync(new SessionCommand.ListTasks(null, null, after, 1, CompletionGroup: Rare), ProtocolJson.Default.PageTaskView);
            found.AddRange(page.Items.Select(task => task.Id));
            Assert.Equal(page.Next is not null, TaskCursor.TryParse(page.Next, out after));
        }
        while (after > 0);
        Assert.Equal(["t700", "t1500", "t1501", "t1900"], found);
        Assert.InRange(_reads.Count, 1, 16);
    });

    [Fact]
    public void What_matches_all_is_read_by_the_page() => _world.Run(async () =>
    {
        await StartAsync([]);
        var page = await _world.AskAsync(new SessionCommand.ListTasks("succeeded", null, 1_990, 6), ProtocolJson.Default.PageTaskView);
        Assert.Equal(["t1991", "t1992", "t1993", "t1994", "t1995", "t1996"], page.Items.Select(task => task.Id));
        Assert.True(TaskCursor.TryParse(page.Next, out var after));
        page = await _world.AskAsync(new SessionCommand.ListTasks("succeeded", null, after, 6), ProtocolJson.Default.PageTaskView);
        Assert.Equal((4, null, "t2000"), (page.Items.Count, page.Next, page.Items[^1].Id));
        Assert.Equal([(1_990L, 7), (1_996L, 7)], _reads);
    });

    /// <summary>The session's own live tasks are t2 and t3.</summary>
    [Fact]
    public void Live_tasks_before_the_rest_of_the_archive_fill_the_page() => _world.Run(async () =>
    {
        await StartAsync([1_000], live: 2);
        for (var n = 0; n < 2; n++)
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { CompletionGroup = Rare, Start = false }));
        var page = await _world.AskAsync(new SessionCommand.ListTasks(null, null, 0, 1, CompletionGroup: Rare), ProtocolJson.Default.PageTaskView);
        Assert.Equal("t2", Assert.Single(page.Items).Id);
        Assert.InRange(_reads.Count, 1, 2);
        Assert.True(TaskCursor.TryParse(page.Next, out var after));
        page = await _world.AskAsync(new SessionCommand.ListTasks(null, null, after, 5, CompletionGroup: Rare), ProtocolJson.Default.PageTaskView);
        Assert.Equal(["t3", "t1000"], page.Items.Select(task => task.Id));
        Assert.Null(page.Next);
    });

    [Fact]
    public void Nothing_is_read_for_an_asker_who_has_gone() => _world.Run(async () =>
    {
        await StartAsync([]);
        var reply = new Request<CommandReply>();
        _onRead = () =>
        {
            if (_reads.Count == 2)
                reply.TryAnswer(new CommandReply.Unavailable(UnavailableReason.Deadline, TimeSpan.Zero, "It was late."));
        };
        Assert.True(_world.Session.TryPost(new SessionMessage.Execute(new SessionCommand.ListTasks(null, null, 0, 1, CompletionGroup: Rare), null, reply)));
        await reply.Reply;
        await Task.Delay(TimeSpan.FromSeconds(5), _world.World.Time);
        Assert.Equal(2, _reads.Count);
    });

    /// <summary>A session one of whose tasks has ended, before an archive that says there are many, t1 to t2000 without the few behind the first that are to live.</summary>
    private async Task StartAsync(long[] rare, int live = 0)
    {
        var store = new ArchiveStore(_world.Store);
        _world.StoreOfSessions = store;
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Counts.Succeeded == 1);
        var one = SessionStorage.Read(Assert.Single((await _world.Store.ListArchiveAsync(_world.Holder.Current!.Value, SessionWorld.Key, 1, 0, 10, CancellationToken.None))!));
        List<ArchivedTask> archive = [];
        for (var ordinal = 1L; ordinal <= Rows; ordinal++)
        {
            if (ordinal == 1 || ordinal > 1 + live)
                archive.Add(SessionStorage.Archived(1, one with { Id = TaskId.FromOrdinal(ordinal), Ordinal = ordinal, Spec = one.Spec with { CompletionGroup = rare.Contains(ordinal) ? Rare : null } }));
        }
        store.Listed = (after, most) =>
        {
            _reads.Add((after, most));
            _onRead();
            return [.. archive.Where(task => task.Ordinal > after).Take(most)];
        };
    }
}
