using System.Diagnostics;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>What a session does each time it is looked at, while nothing can start.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class TickCostTests
{
    private const int Rounds = 20;
    private const int Ticks = 500;
    private const int Hosts = 100;
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A third waits for its time, a third is suspended, a third is ready and no host has room. A tick that looked at each would take ten milliseconds.</summary>
    [Fact]
    public void A_million_waiting_tasks_cost_nothing_per_tick()
    {
        var full = Enumerable.Range(0, Hosts).Select(host => $"https://h{host}.example").ToHashSet(StringComparer.OrdinalIgnoreCase);
        var (few, many) = (Waiting(1_000, full), Waiting(1_000_000, full));
        List<(double Microseconds, long Bytes)> ofFew = [], ofMany = [];
        for (var round = 0; round < Rounds; round++) // by turns, and the medians: whatever else the machine does, it does to both
        {
            ofFew.Add(Measure(few, full));
            ofMany.Add(Measure(many, full));
        }
        ofFew.Sort();
        ofMany.Sort();
        var (fewTook, manyTook) = (ofFew[Rounds / 2].Microseconds, ofMany[Rounds / 2].Microseconds);
        var (fewBytes, manyBytes) = (ofFew.Min(each => each.Bytes), ofMany.Min(each => each.Bytes));
        Console.WriteLine($"[ticks] {fewTook:0.00} us with 1,000 waiting tasks, {manyTook:0.00} us with 1,000,000; {manyBytes / Ticks} bytes each");
        Assert.InRange(manyBytes, 0, fewBytes + 4096);
        Assert.InRange(manyTook, 0, 50 * fewTook); // of a thousand times the tasks
    }

    private static Session Waiting(int tasks, HashSet<string> full)
    {
        var session = new Session(SessionHarness.Key, new SessionOptions());
        session.Apply(new SessionCreated(1, ConfigurationBook.WithDefaults(null), At));
        for (var n = 1; n <= tasks; n++)
            session.Apply(new TaskCreated(TaskId.FromOrdinal(n), n, SpecOf(n), 1, At));
        Assert.True(session.Tasks.Ready.Count >= tasks / 3);
        Tick(session, full, 0);
        return session;
    }

    private static (double Microseconds, long Bytes) Measure(Session session, HashSet<string> full)
    {
        var (allocated, clock) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        for (var n = 0; n < Ticks; n++)
            Tick(session, full, n);
        return (clock.Elapsed.TotalMicroseconds / Ticks, GC.GetAllocatedBytesForCurrentThread() - allocated);
    }

    private static void Tick(Session session, HashSet<string> full, int n)
    {
        var now = At.AddMilliseconds(n);
        if (AttemptDecider.Continue(session, now).Count > 0 || session.Tasks.Ready.TryPeek(6, full, out _, out _))
            throw new InvalidOperationException("Nothing may start.");
        if (session.Tasks.NextDue() != At.AddHours(1))
            throw new InvalidOperationException($"The next is due at {session.Tasks.NextDue()}.");
    }

    private static TaskSpec SpecOf(int n)
    {
        var spec = SessionHarness.Download(url: $"https://h{n % Hosts}.example/a");
        return (n % 3) switch
        {
            0 => spec with { EarliestBeginAt = At.AddHours(1).AddMilliseconds(n - 3) },
            1 => spec with { Start = false },
            _ => spec,
        };
    }
}
