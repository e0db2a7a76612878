using System.Collections.Concurrent;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>Many seeds on as many threads as there are cores; each world stays on one.</summary>
internal static class SeedSweep
{
    /// <summary>Runs them all, or until <paramref name="enough"/>.</summary>
    public static IReadOnlyList<SeedRun> Run(IEnumerable<long> seeds, SimRules? rules = null, Func<SeedRun, bool>? enough = null)
    {
        var waiting = new ConcurrentQueue<long>(seeds);
        var done = new ConcurrentBag<SeedRun>();
        var stop = false;
        List<Thread> threads = [];
        for (var index = 0; index < Math.Min(Environment.ProcessorCount, 4); index++)
        {
            var thread = new Thread(() =>
            {
                while (!Volatile.Read(ref stop) && waiting.TryDequeue(out var seed))
                {
                    var run = SeedRun.Of(seed, rules);
                    done.Add(run);
                    if (enough?.Invoke(run) == true)
                        Volatile.Write(ref stop, true);
                }
            }, 16 * 1024 * 1024);
            thread.Start();
            threads.Add(thread);
        }
        threads.ForEach(static thread => thread.Join());
        return [.. done.OrderBy(run => run.Seed)];
    }
}
