using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Sessions;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

/// <summary>The session, its scheduler, the slots and the gates together, in virtual time.</summary>
public sealed class DeadHostTests
{
    private const string Dead = "https://dead.example";
    private const int LiveTasks = 4000;
    private const int DeadTasks = 1000;

    [Fact]
    public void A_thousand_tasks_to_one_dead_host_leave_the_others_their_rate_and_the_host_its_peace()
    {
        var (alone, _, _) = Race(deadTasks: 0);
        var (beside, engine, world) = Race(DeadTasks);
        Assert.True(alone / beside >= 0.95, $"{LiveTasks} tasks took {alone} alone and {beside} beside {DeadTasks} to a dead host.");

        List<TimeSpan> contacts = [.. engine.Contacts.Where(contact => contact.Host == Dead).Select(contact => contact.At)];
        var first = contacts.TakeWhile(at => at < GatedEngine.ConnectTimeout).Count();
        Assert.InRange(first, 1, 6); // until it is known to be dead, a session's connections to one host
        for (var i = first + 2; i < contacts.Count; i++)
            Assert.True(contacts[i] - contacts[i - 2] > TimeSpan.FromSeconds(30), $"Probes at {contacts[i - 2]}, {contacts[i - 1]} and {contacts[i]}.");
        Assert.True(world.Store.Received.Sum(batch => batch.Sum(append => append.Rows.Count(row => row.EventType == "task.attemptEnded.v1"))) < first + 20);
    }

    [Fact]
    public void Those_who_wait_for_a_dead_host_say_why_and_come_one_after_the_other_when_it_answers()
    {
        var world = World(out var engine);
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(new SessionConfiguration { MaxConnectionsPerHost = 64 }));
            await AddAsync(world, Dead, 200);
            await Task.Delay(TimeSpan.FromSeconds(40), world.World.Time);
            var last = (await world.AskAsync(new SessionCommand.ListTasks(null, null, 0, 500), ProtocolJson.Default.PageTaskView)).Items[^1];
            Assert.Equal(("waiting", "retry"), (last.State, last.Reason));
            Assert.True(last.NextEvaluationAt > world.World.Time.GetUtcNow());
            var why = await world.AskAsync(new SessionCommand.ExplainTask(TaskId.Parse(last.Id)), ProtocolJson.Default.WhyView);
            Assert.Contains("could not be reached", why.Sentence, StringComparison.Ordinal);

            engine().Answer = static _ => new OriginContact.Answered(200, null);
            var healed = engine().Now;
            await UntilSucceededAsync(world, 200);
            var starts = engine().Contacts.Where(contact => contact.At > healed).Select(contact => contact.At).ToList();
            Assert.Equal(1, starts.Count(at => at < starts[0] + GatedEngine.Work));
            Assert.InRange(starts.Count(at => at < starts[0] + (GatedEngine.Work * 2)), 2, 4);
        });
    }

    [Theory]
    [InlineData(429)]
    [InlineData(503)]
    public void Nothing_is_sent_before_the_time_that_an_origin_asked_for(int status)
    {
        var world = World(out var engine);
        var wait = TimeSpan.FromSeconds(300);
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(null));
            engine().Answer = host => engine().Contacts.Count(contact => contact.Host == host) == 3 ? new OriginContact.Answered(status, wait) : new OriginContact.Answered(200, null);
            await AddAsync(world, "https://busy.example", 60);
            await UntilSucceededAsync(world, 60);
        });
        var contacts = engine().Contacts.Select(contact => contact.At).ToList();
        var asked = contacts.First() + GatedEngine.Work;
        Assert.DoesNotContain(contacts, at => at > asked && at < asked + wait);
        Assert.True(contacts.Count(at => at <= asked) < 20);
    }

    private static (TimeSpan Took, GatedEngine Engine, SessionWorld World) Race(int deadTasks)
    {
        var world = World(out var engine);
        var took = TimeSpan.Zero;
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(null));
            if (deadTasks > 0)
                await AddAsync(world, Dead, deadTasks);
            var began = engine().Now;
            for (var host = 0; host < 4; host++)
                await AddAsync(world, $"https://live{host}.example", LiveTasks / 4);
            await UntilSucceededAsync(world, LiveTasks);
            took = engine().Now - began;
        });
        return (took, engine(), world);
    }

    private static SessionWorld World(out Func<GatedEngine> engine)
    {
        GatedEngine? made = null;
        SessionWorld world = null!;
        world = new SessionWorld { Engine = gates => made = new GatedEngine(gates, world.World.Time) };
        engine = () => made!;
        return world;
    }

    private static async Task UntilSucceededAsync(SessionWorld world, int count)
    {
        for (var n = 0; n < 10_000; n++)
        {
            if ((await world.DescribeAsync()).Counts.Succeeded >= count)
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(500), world.World.Time);
        }
        Assert.Fail($"{count} tasks did not succeed.");
    }

    private static async Task AddAsync(SessionWorld world, string origin, int count)
    {
        for (var from = 0; from < count; from += 500)
        {
            List<BatchEntry> entries = [.. Enumerable.Range(from, Math.Min(500, count - from)).Select(i => new BatchEntry(i, SessionHarness.Download(url: $"{origin}/{i}"), null))];
            Assert.IsType<CommandReply.Done>(await world.AskAsync(new SessionCommand.AddTasks(entries)));
        }
    }
}
