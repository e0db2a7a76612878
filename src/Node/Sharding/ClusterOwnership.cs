using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>Who this process is to the others.</summary>
/// <param name="Name">For people; several may have the same.</param>
/// <param name="Address">Where other nodes reach it.</param>
/// <param name="Build">Its version.</param>
internal sealed record NodeIdentity(string Name, string Address, string Build);

/// <summary>
/// A node's part in a cluster, from its joining to its leaving.
/// <code>
///   Start: open the store (tried until it answers) ─► admitted ─► join ─► heartbeat ─► shard controller, which claims what the plan gives
///   Drain: member is draining ─► shards handed over, four at a time ─► heartbeat ends ─► member has left
/// </code>
/// A store that refuses (another cluster, another number of shards, a schema that this build cannot use) ends the start; one that is away
/// does not. The drain ends in its time with the store away as well: the others then wait for the lease. A node whose start came to nothing
/// after it had joined leaves when it is disposed.
/// </summary>
internal sealed class ClusterOwnership(
    ActorSystem system, ShardControllerParts parts, IClusterSignals signals, NodeIdentity identity, ClusterFounding founding, TimeLadder ladder) : IOwnership, IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan TellWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(50);

    private readonly NodeShards _shards = parts.Shards;
    private readonly LeaseKeeper _lease = parts.Lease;
    private readonly IClusterStore _store = parts.Store;
    private readonly ShardingOptions _options = parts.Options;
    private readonly TimeProvider _time = parts.Time;
    private readonly ILogger _logger = parts.Logger;
    private ShardController? _controller;
    private ActorRef<ControlMessage>? _control;
    private IDisposable? _subscription;
    private int _state;
    private bool _mayBeMember;

    /// <summary>What the cluster was founded with; null before the start.</summary>
    public ClusterFacts? Facts { get; private set; }

    /// <summary>Asked before this node joins, when the store is open: an exception ends the start, and nobody has counted on it.</summary>
    public Func<CancellationToken, ValueTask>? Admission { get; init; }

    public bool IsReady => !_shards.IsDraining && _controller is { IsReady: true };

    public async Task StartAsync(CancellationToken stop)
    {
        if (Interlocked.CompareExchange(ref _state, 1, 0) != 0)
            throw new InvalidOperationException("The node has joined before.");
        ladder.Check(new LeaseTerms(founding.Lease)); // a cluster that is founded here has it for life
        Facts = await UntilAnsweredAsync(async () => await _store.OpenAsync(founding, stop), stop);
        var terms = new LeaseTerms(Facts.Lease);
        ladder.Check(terms);
        if (Admission is { } admit)
        {
            await UntilAnsweredAsync(
                async () =>
                {
                    await admit(stop);
                    return true;
                },
                stop);
        }
        var attempted = await UntilAnsweredAsync(() => JoinAsync(stop), stop);
        _controller = new ShardController(parts, terms);
        _control = system.Spawn("shard-controller", () => _controller, new ActorOptions { TurnWarningAfter = terms.Heartbeat });
        _lease.Changed = Poke;
        _shards.Lost = shard =>
        {
            _controller.Lost(shard);
            Called();
        };
        _subscription = signals.Subscribe(Called);
        _lease.Start(terms, attempted);
        _shards.StartClock();
        _logger.Joined(_shards.Node.ToString(), identity.Name, identity.Address, Facts.Name, Facts.ShardCount, terms.Lease.TotalSeconds);
    }

    public async Task DrainAsync(CancellationToken stop)
    {
        if (Interlocked.Exchange(ref _state, 2) != 1)
            return;
        var began = _time.GetTimestamp();
        _shards.BeginDrain();
        var unanswered = 0;
        if (_mayBeMember)
        {
            // Every release within the budget; after it there must be time for the leaving, which frees what was not released.
            var patience = new StorePatience(_time, _options.Drain - _options.HandOff + StorePatience.Limit, stop);
            await TellAsync(MemberState.Draining, patience);
            unanswered = await CloseAllAsync(patience, stop);
        }
        _lease.Leave(); // before the store is told: a renewal in flight must not find that this member is gone, and take it for dead
        if (_mayBeMember)
            await TellAsync(MemberState.Left, null);
        _subscription?.Dispose();
        _control?.Stop(StopReason.Drain);
        var seconds = _time.GetElapsedTime(began).TotalSeconds;
        if (unanswered == 0)
            _logger.DrainDone(seconds);
        else
            _logger.DrainUnanswered(seconds, unanswered);
    }

    public void Dispose() => _subscription?.Dispose();

    /// <summary>After an orderly stop there is nothing left to do. After a start that failed, or was stopped, this node has joined perhaps: then it leaves.</summary>
    public async ValueTask DisposeAsync()
    {
        using var limit = new CancellationTokenSource(_options.HandOff, _time);
        await DrainAsync(limit.Token);
        Dispose();
    }

    /// <summary>
    /// An operator moves a shard that this node holds to another member, now. False when it is not held here in good order, or when the other is not
    /// active: it is then free for whoever the plan gives it to, which may be this node.
    /// </summary>
    public async Task<bool> GiveAsync(int shardId, NodeId to, CancellationToken stop)
    {
        var given = new Request<bool>();
        return _control is not null && await _control.PostAsync(new ControlMessage.Give(shardId, to, given), stop) && await given.Reply.WaitAsync(stop);
    }

    // ---- start ----

    private async Task<ClockReading> JoinAsync(CancellationToken stop)
    {
        var attempted = _lease.ReadClock();
        _mayBeMember = true;
        try
        {
            await _store.JoinAsync(_shards.Node, identity.Name, identity.Address, identity.Build, stop);
        }
        catch (JournalStoreException unknown) when (unknown.Failure == StoreFailure.Unknown)
        {
            if ((await _store.ReadViewAsync(stop)).Find(_shards.Node) is null)
                throw;
        }
        return attempted;
    }

    private async Task<T> UntilAnsweredAsync<T>(Func<Task<T>> ask, CancellationToken stop)
    {
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = pause * 2 < TimeSpan.FromSeconds(5) ? pause * 2 : TimeSpan.FromSeconds(5))
        {
            try
            {
                return await ask();
            }
            catch (JournalStoreException away) when (away.Failure is StoreFailure.Transient or StoreFailure.Unknown)
            {
                _logger.JoinFailed(away.Failure, away.Message, pause.TotalSeconds);
            }
            await Task.Delay(pause, _time, stop);
        }
    }

    // ---- what wakes the controller ----

    private void Called()
    {
        _controller!.Signal();
        Poke();
    }

    /// <summary>From the heartbeat's thread too, which must not touch a lock of anybody's mailbox: so from the scheduler.</summary>
    private void Poke() => system.Scheduler.Queue(static control => ((ActorRef<ControlMessage>)control!).TryPost(ControlMessage.Look.Now), _control);

    // ---- drain ----

    /// <summary>
    /// All shards, those included whose claim or hand-off was under way when the drain began. Gives the number of those that the store did not
    /// answer for.
    /// </summary>
    private async Task<int> CloseAllAsync(StorePatience patience, CancellationToken stop)
    {
        var unanswered = 0;
        using var late = new CancellationTokenSource(_options.Drain - _options.HandOff, _time);
        using var hard = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        var handOff = new HandOff(_shards, _store, _time, _logger);
        using var warning = late.Token.UnsafeRegister(_ => _logger.DrainIsLate(Held().Count, (_options.Drain - _options.HandOff).TotalSeconds), null);
        do
        {
            var left = new Queue<int>(Held());
            // Without trust or the store nothing can be saved or taken over, so none waits for the others.
            var workers = _lease.IsTrusted && !patience.IsFailing ? _options.DrainHandOffsMax : Math.Max(left.Count, 1);
            unanswered += (await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => WorkAsync(left, handOff, patience, hard.Token)).ToList())).Sum();
            await UntilClaimsEndedAsync();
            if (Held().Count > 0)
                await Task.Delay(Again, _time, CancellationToken.None); // other hand-offs are closing these, and give them back themselves
        }
        while (Held().Count > 0 && !patience.IsOver);
        return unanswered + Held().Count;
    }

    private static async Task<int> WorkAsync(Queue<int> left, HandOff handOff, StorePatience patience, CancellationToken hard)
    {
        var unanswered = 0;
        while (Next() is { } shard)
        {
            if (await handOff.RunAsync(shard, to: null, hard, patience) == HandOffEnd.Unanswered)
                unanswered++;
        }
        return unanswered;

        int? Next()
        {
            lock (left)
                return left.TryDequeue(out var shard) ? shard : null;
        }
    }

    private async Task UntilClaimsEndedAsync()
    {
        for (var waited = TimeSpan.Zero; waited < _options.HandOff && _shards.Shards.Any(shard => shard.Phase == ShardPhase.Acquiring); waited += Again)
            await Task.Delay(Again, _time);
    }

    private List<int> Held() => [.. _shards.Shards.Select(shard => shard.ShardId).Where(shard => _shards.GrantOf(shard) is not null)];

    /// <summary>With the store away the others find out by the lease.</summary>
    private async Task TellAsync(MemberState state, StorePatience? patience)
    {
        var asked = _time.GetTimestamp();
        try
        {
            await _store.MoveAsync(_shards.Node, state, CancellationToken.None).AsTask().WaitAsync(TellWithin, _time);
        }
        catch (Exception failure) when (failure is JournalStoreException or TimeoutException)
        {
            patience?.Failed(asked);
            _logger.MoveFailed(state, failure.Message);
        }
    }
}
