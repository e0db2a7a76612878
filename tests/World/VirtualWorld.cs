using Backhaul.Node.Actors;

namespace Backhaul.World;

/// <summary>
/// A world of one thread and its own time, for deterministic tests of anything that takes a TimeProvider and an ActorScheduler.
///
/// <code>
///   var world = new VirtualWorld(seed: 7);
///   var system = world.NewActorSystem();
///   world.Run(async () =>                      // the body runs inside the world: every await comes back to its queue
///   {
///       await Task.Delay(TimeSpan.FromHours(1), world.Time);    // takes no real time
///   });
/// </code>
///
/// Two ways to move time, which may be mixed:
/// * <see cref="Run(Func{Task}, TimeSpan?)"/>: runs the body; whenever nothing is ready, time jumps to the next timer. It throws when the body is not done after
///   <c>within</c> of virtual time, or when nothing is ready and no timer is left: the message says what hangs.
/// * step by step, from outside the body: <see cref="RunUntilIdle"/> (no time passes), <see cref="Advance"/> (fires each timer at its own
///   moment, in order of due time and then of registration, running until idle in between), <see cref="AdvanceToNextTimer"/>.
///
/// Rules: nothing may leave the thread. A continuation that comes back from a foreign thread is accepted (Run waits up to five real
/// seconds for one when it would otherwise give up), but time may have jumped meanwhile and the order is not deterministic any more:
/// <c>Scheduler.ForeignWork</c> counts them, assert that it is 0. A usual cause: WhenAll, WhenAny or WaitAsync on the task of a
/// TaskCompletionSource with RunContinuationsAsynchronously; they continue on the thread pool, whatever context they were called in
/// (an await does not). Not thread-safe beyond that.
/// </summary>
internal sealed class VirtualWorld
{
    public VirtualWorld(int seed = 1)
    {
        Scheduler = new VirtualScheduler();
        Time = new VirtualTime(Scheduler);
        Random = new SeededRandom(seed);
        Loggers = new RecordingLoggers(Time);
    }

    public VirtualTime Time { get; }

    public VirtualScheduler Scheduler { get; }

    public SeededRandom Random { get; }

    /// <summary>Everything that was logged, in order.</summary>
    public RecordingLoggers Loggers { get; }

    public ActorSystem NewActorSystem() => new(Time, Random, Loggers, Scheduler);

    public void RunUntilIdle() => Scheduler.RunUntilIdle();

    /// <summary>Jumps to the next timer and runs what it starts. False when there is no timer.</summary>
    public bool AdvanceToNextTimer()
    {
        RunUntilIdle();
        if (Time.NextDue is not { } due)
            return false;
        Time.MoveTo(due);
        RunUntilIdle();
        return true;
    }

    public void Advance(TimeSpan by)
    {
        var until = Time.Elapsed + by;
        RunUntilIdle();
        while (Time.NextDue is { } due && due <= until)
        {
            Time.MoveTo(due);
            RunUntilIdle();
        }
        Time.MoveTo(until);
    }

    public void Run(Func<Task> body, TimeSpan? within = null) =>
        Run(async () =>
        {
            await body();
            return 0;
        }, within);

    public T Run<T>(Func<Task<T>> body, TimeSpan? within = null)
    {
        var limit = Time.Elapsed + (within ?? TimeSpan.FromHours(24));
        Task<T>? run = null;
        Scheduler.Queue(_ => run = body(), null);
        while (true)
        {
            RunUntilIdle();
            if (run is { IsCompleted: true })
                return run.GetAwaiter().GetResult();
            if (Time.NextDue is { } due)
            {
                if (due > limit)
                    throw new InvalidOperationException($"The body is not done after {Time.Elapsed} of virtual time; the next timer is due at {due}.");
                Time.MoveTo(due);
            }
            else if (!Scheduler.WaitForForeignWork(TimeSpan.FromSeconds(5)))
            {
                throw new InvalidOperationException($"The body waits for ever: at {Time.Elapsed} nothing is ready and no timer is armed.");
            }
        }
    }
}
