using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// S1: what runs at once, in one process: in all, to one host, of one session to one host. Counted where attempts run, not where slots are given out.
/// An attempt that hangs and does not end when it is told to is left behind, and its slot is given to others: it is not counted any more.
/// </summary>
internal sealed class SlotChecks(string node, TransferOptions options, TimeSpan stopsWithin, TimeProvider time)
{
    private readonly List<Attempt> _attempts = [];

    public int RunningOn(string host) => _attempts.Count(attempt => attempt.Host == host && !IsLeft(attempt));

    public IDisposable Begin(AttemptOrder order, CancellationToken stop)
    {
        var begun = new Attempt(this, order.Files.Session, order.Files.Task, ReadyTasks.HostOf(order.Url).ToString());
        begun.OnStop = stop.UnsafeRegister(_ => begun.StoppedAt = time.GetTimestamp(), null);
        _attempts.Add(begun);
        Check(_attempts.Count(attempt => !IsLeft(attempt)), options.RunningMax, "attempts");
        Check(RunningOn(begun.Host), options.HostMax, $"attempts to {begun.Host}");
        Check(_attempts.Count(attempt => attempt.Host == begun.Host && attempt.Session == begun.Session && !IsLeft(attempt)), order.SessionHostMax,
            $"attempts of {begun.Session} to {begun.Host}");
        return begun;
    }

    private bool IsLeft(Attempt attempt) => attempt.StoppedAt is { } stopped && time.GetElapsedTime(stopped) >= stopsWithin;

    private void Check(int running, int most, string what)
    {
        if (running <= most)
            return;
        var stopped = _attempts.Where(attempt => attempt.StoppedAt is not null).Select(attempt => $"{attempt.Task} of {attempt.Session} was told to stop {time.GetElapsedTime(attempt.StoppedAt!.Value).TotalSeconds:0.0} s ago");
        throw new InvariantBrokenException("S1", $"{node} runs {running} {what}, and {most} is the limit. {string.Join(", ", stopped)}");
    }

    private sealed class Attempt(SlotChecks checks, SessionKey session, TaskId task, string host) : IDisposable
    {
        public SessionKey Session => session;

        public TaskId Task => task;

        public string Host => host;

        public long? StoppedAt { get; set; }

        public CancellationTokenRegistration OnStop { get; set; }

        public void Dispose()
        {
            OnStop.Dispose();
            checks._attempts.Remove(this);
        }
    }
}
