using System.Diagnostics;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

[Collection(nameof(MeasuredAlone))]
public sealed class GroupScaleTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly GroupName Seasons = GroupName.Parse("seasons");

    /// <summary>Steps take some 20 µs with a million tasks. One that looked at every task would take a hundred times as long with a hundred times the tasks.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_step_costs_the_same_however_many_tasks_of_the_group_wait(bool serialized)
    {
        const int Few = 3_000;
        const int Many = 300_000;
        const int Steps = 1_000;
        var (few, many) = (Waiting(Few, serialized), Waiting(Many, serialized));
        List<TimeSpan> ofFew = [], ofMany = [];
        for (var n = 0; n < Steps; n++) // by turns, and the medians: whatever else the machine does, it does to both
        {
            ofFew.Add(Step(few, TaskId.FromOrdinal(Few / 2 + n)));
            ofMany.Add(Step(many, TaskId.FromOrdinal(Many / 2 + n)));
        }
        ofFew.Sort();
        ofMany.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"{ofFew[Steps / 2].TotalMicroseconds:0} µs of {Few}, {ofMany[Steps / 2].TotalMicroseconds:0} µs of {Many}");
        Assert.InRange(ofMany[Steps / 2], TimeSpan.Zero, 20 * ofFew[Steps / 2]);
        Assert.Equal(Many - Steps, many.Tasks.Count);
    }

    private static Session Waiting(int tasks, bool serialized)
    {
        var session = new Session(SessionHarness.Key, new SessionOptions());
        session.Apply(new SessionCreated(1, ConfigurationBook.WithDefaults(null), At));
        session.Apply(new GroupConfigured(Seasons, serialized ? GroupMode.Serialized : GroupMode.Parallel, At));
        for (var n = 1; n <= tasks; n++)
            session.Apply(new TaskCreated(TaskId.FromOrdinal(n), n, SessionHarness.Download(url: $"https://h{n % 100}.example/a") with { Group = Seasons }, 1, At));
        return session;
    }

    /// <summary>Another task is made current, and the next one starts and ends.</summary>
    private static TimeSpan Step(Session session, TaskId current)
    {
        var began = Stopwatch.GetTimestamp();
        foreach (var happened in GroupDecider.MakeCurrent(session, current, new Dictionary<TaskId, TaskState>(), At).Events)
            session.Apply(happened);
        Assert.True(session.Tasks.Ready.TryPeek(6, new HashSet<string>(StringComparer.Ordinal), out var id, out _));
        session.Apply(AttemptDecider.Start(session, id, At));
        foreach (var happened in AttemptDecider.Report(session, id, 1, SessionHarness.Finished(), At, 0.5)!)
            session.Apply(happened);
        while (AttemptDecider.Continue(session, At) is { Count: > 0 } events)
        {
            foreach (var happened in events)
                session.Apply(happened);
        }
        session.TakeEnded();
        return Stopwatch.GetElapsedTime(began);
    }
}
