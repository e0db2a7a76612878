using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Simulation.Tests.Delivery;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Network;

/// <summary>Where requests of others arrive at a running node.</summary>
/// <param name="Process">The process that listens.</param>
/// <param name="Id">Its incarnation: requests for another one are not accepted.</param>
/// <param name="Execute">What it does with them.</param>
/// <param name="Relays">News of its sessions for others' clients.</param>
internal sealed record SimListener(
    VirtualProcess Process, NodeId Id, Func<PeerCommand, TimeSpan, CancellationToken, ValueTask<PeerAnswer>> Execute, SimRelays? Relays = null);

/// <summary>
/// The network between the machines. An address names a machine; who listens there changes with its processes. A request may be late, lost, sent
/// twice, or its connection reset before or after it was carried out; a direction between two machines may be cut.
/// </summary>
internal sealed class SimNetwork(ProcessWorld world, SimRandom random, SimStatistics statistics)
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, SimListener> _listeners = new(StringComparer.Ordinal);
    private readonly HashSet<(string From, string To)> _cuts = [];
    private readonly VirtualProcess _wires = world.NewProcess("network");

    private enum Fate
    {
        Fine,
        Refused,
        ResetBefore,
        ResetAfter,
        ReplyLost,
        SentTwice,
    }

    public double Trouble { get; set; }

    public TimeSpan Slowness { get; set; }

    public SimRandom Random => random;

    public VirtualProcess Wires => _wires;

    public void Listen(string address, SimListener listener) => _listeners[address] = listener;

    public SimListener? At(string address) => _listeners.TryGetValue(address, out var listener) && listener.Process.IsAlive ? listener : null;

    public void Cut(string from, string to) => _cuts.Add((from, to));

    public void Mend(string from, string to) => _cuts.Remove((from, to));

    public void Heal()
    {
        _cuts.Clear();
        (Trouble, Slowness) = (0, TimeSpan.Zero);
    }

    public bool IsCut(string from, string to) => _cuts.Contains((from, to));

    public TimeSpan TravelTime() =>
        random.Milliseconds(1, 3) + (Slowness > TimeSpan.Zero ? random.Milliseconds(0, Slowness.TotalMilliseconds) : TimeSpan.Zero);

    /// <summary>The way out of one process.</summary>
    public IPeers PeersOf(VirtualProcess process, string address) => new Peers(this, process, address);

    private Fate Draw() => !random.Chance(Trouble) ? Fate.Fine : (Fate)(1 + random.Next(5));

    private sealed class Peers(SimNetwork network, VirtualProcess process, string self) : IPeers
    {
        public async ValueTask<PeerAnswer> SendAsync(Owner owner, PeerCommand command, TimeSpan deadline, CancellationToken stop)
        {
            network.Statistics.Forwarded++;
            var fate = network.Draw();
            if (network.IsCut(self, owner.Address))
            {
                await Task.Delay(deadline < ConnectLimit ? deadline : ConnectLimit, process.Clock, stop);
                return new PeerAnswer.Failed(deadline < ConnectLimit ? PeerFailure.TooLate : PeerFailure.NotSent, "no connection");
            }
            if (fate == Fate.Refused || network.At(owner.Address) is not { } listener)
            {
                await Task.Delay(network.TravelTime(), process.Clock, stop);
                return new PeerAnswer.Failed(PeerFailure.NotSent, "connection refused");
            }
            var reply = new TaskCompletionSource<PeerAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var limit = process.Clock.CreateTimer(
                static state => ((TaskCompletionSource<PeerAnswer>)state!).TrySetResult(new PeerAnswer.Failed(PeerFailure.Unknown, "no answer in time")),
                reply, deadline, Timeout.InfiniteTimeSpan);
            var began = process.Clock.GetTimestamp();
            network._wires.Queue(_ => _ = CarryAsync(listener, owner, command, deadline - process.Clock.GetElapsedTime(began), fate, reply), null);
            if (fate == Fate.SentTwice && command.Key is not null)
                network._wires.Queue(_ => _ = CarryAsync(listener, owner, command, deadline, Fate.Fine, new TaskCompletionSource<PeerAnswer>()), null);
            return await reply.Task;
        }

        /// <summary>On the wires: there, and back.</summary>
        private async Task CarryAsync(SimListener listener, Owner owner, PeerCommand command, TimeSpan remaining, Fate fate, TaskCompletionSource<PeerAnswer> reply)
        {
            await Task.Delay(network.TravelTime(), network._wires.Clock);
            if (fate == Fate.ResetBefore || !listener.Process.IsAlive)
            {
                reply.TrySetResult(new PeerAnswer.Failed(PeerFailure.Unknown, "reset"));
                return;
            }
            if (listener.Id != owner.Node)
            {
                reply.TrySetResult(new PeerAnswer.Failed(PeerFailure.NotAccepted, "another incarnation"));
                return;
            }
            var answered = new TaskCompletionSource<PeerAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
            var arrived = PeerCodec.Decode(PeerCodec.Encode(command), out var fault) ?? throw new InvalidOperationException(fault);
            listener.Process.Start(async () => answered.TrySetResult(await listener.Execute(arrived, remaining, CancellationToken.None)));
            if (fate == Fate.ResetAfter)
            {
                await Task.Delay(network.Random.Milliseconds(0, 20), network._wires.Clock);
                reply.TrySetResult(new PeerAnswer.Failed(PeerFailure.Unknown, "reset"));
            }
            var answer = PeerCodec.Decode(owner.ShardId, PeerCodec.Encode(await answered.Task)); // never, when that process dies
            await Task.Delay(network.TravelTime(), network._wires.Clock);
            if (fate != Fate.ReplyLost && !network.IsCut(owner.Address, self))
                reply.TrySetResult(answer);
        }
    }

    private SimStatistics Statistics => statistics;
}
