using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>S1: what runs at once, in one process: in all, to one host, of one session to one host. Counted where attempts run, not where slots are given out.</summary>
internal sealed class SlotChecks(string node, TransferOptions options)
{
    private readonly Dictionary<string, int> _byHost = new(StringComparer.Ordinal);
    private readonly Dictionary<(SessionKey Session, string Host), int> _bySession = [];

    public int Running { get; private set; }

    public int RunningOn(string host) => _byHost.GetValueOrDefault(host);

    public IDisposable Begin(AttemptOrder order)
    {
        var host = ReadyTasks.HostOf(order.Url).ToString();
        Count(order.Files.Session, host, +1);
        if (Running > options.RunningMax)
            throw new InvariantBrokenException("S1", $"{node} runs {Running} attempts, and {options.RunningMax} is its limit.");
        if (_byHost[host] > options.HostMax)
            throw new InvariantBrokenException("S1", $"{node} runs {_byHost[host]} attempts to {host}, and {options.HostMax} is the limit.");
        if (_bySession[(order.Files.Session, host)] > order.SessionHostMax)
            throw new InvariantBrokenException("S1", $"{node} runs {_bySession[(order.Files.Session, host)]} attempts of {order.Files.Session} to {host}, and {order.SessionHostMax} is the limit.");
        return new Attempt(this, order.Files.Session, host);
    }

    private void Count(SessionKey session, string host, int change)
    {
        Running += change;
        _byHost[host] = _byHost.GetValueOrDefault(host) + change;
        _bySession[(session, host)] = _bySession.GetValueOrDefault((session, host)) + change;
    }

    private sealed class Attempt(SlotChecks checks, SessionKey session, string host) : IDisposable
    {
        public void Dispose() => checks.Count(session, host, -1);
    }
}
