using System.Diagnostics;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>What a session does each time it is looked at, while nothing can start.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class TickCostTests
{
    private const int Ticks = 10_000;
    private const int Hosts = 100;
    private static readonly DateTimeOffset At = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A third waits for its time, a third is suspended, a third is ready and no host has room. A tick that looked at each would take ten milliseconds.</summary>
    [Fact]
    public void A_million_waiting_tasks_cost_nothing_per_tick()
    {
        var (few, fewBytes) = Measure(1_000);
        var (many, manyBytes) = Measure(1_000_000);
        Console.WriteLine($"[ticks] {few.TotalMicroseconds / Ticks:0.00} us with 1,000 waiting tasks, {many.TotalMicroseconds / Ticks:0.00} us with 1,000,000; {manyBytes / Ticks} bytes each");
        Assert.InRange(manyBytes, 0, fewBytes + 4096);
        Assert.InRange(many, TimeSpan.Zero, TimeSpan.FromSeconds(2)); // the limit lies far from the milliseconds that were measured
    }

    private static (TimeSpan Time, long Bytes) Measure(int tasks)
    {
        var session = new Session(SessionHarness.Key, new SessionOptions());
        session.Apply(new SessionCreated(1, ConfigurationBook.WithDefaults(null), At));
        for (var n = 1; n <= tasks; n++)
            session.Apply(new TaskCreated(TaskId.FromOrdinal(n), n, SpecOf(n), 1, At));
        var full = Enumerable.Range(0, Hosts).Select(host => $"https://h{host}.example").ToHashSet(StringComparer.OrdinalIgnoreCase);
        Assert.True(session.Tasks.Ready.Count >= tasks / 3);
        Tick(session, full, 0);
        var (allocated, clock) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.StartNew());
        for (var n = 0; n < Ticks; n++)
            Tick(session, full, n);
        return (clock.Elapsed, GC.GetAllocatedBytesForCurrentThread() - allocated);
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
