using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// For every session that clients of this node listen to: news from wherever its owner is.
/// <code>
///   Here ──the shard leaves──► Looking ──owner found, connected──► Following
///     ▲                          │  ▲ └ nobody, refused: wait         │ ended, silent, broken
///     └──── the shard comes ─────┘  └─────────────────────────────────┘
/// </code>
/// Following, what the owner says is told to this node's own feed, as its actor would do here. With every change of state, and every
/// <c>FeedPoll</c> while it looks, the listeners are told that there may be news and read by number: what was said to nobody is found
/// then, and nothing comes twice, because readers know the last number they have. One relay for a session, however many listen;
/// it says whether anybody is attached, and begins anew when that changes.
/// </summary>
internal sealed class FeedRelays(
    SessionFeed feed, LocalCommands local, PeerIdentity identity, OwnerDirectory owners, PeerClients clients, PeerOptions options,
    TimeProvider time, IRandom random, ILogger<FeedRelays> log) : IFeedWatch, IHostedService, IDisposable
{
    private const int LineBytesMax = 64 * 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<SessionKey, Relay> _relays = [];
    private readonly CancellationTokenSource _stopped = new();

    /// <summary>Relays of this node, standing or looking.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _relays.Count;
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        feed.Watch = this;
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => _stopped.CancelAsync();

    public void Subscribed(SessionKey session)
    {
        Relay relay;
        lock (_lock)
        {
            if (_relays.TryGetValue(session, out var present))
            {
                present.Listeners++;
                return;
            }
            _relays.Add(session, relay = new Relay(session, _stopped.Token));
        }
        // a relay outlives the client that came first: neither its trace nor anything else of it goes along
        if (ExecutionContext.IsFlowSuppressed())
        {
            _ = RunAsync(relay);
            return;
        }
        using (ExecutionContext.SuppressFlow())
            _ = RunAsync(relay);
    }

    public void Unsubscribed(SessionKey session)
    {
        Relay? relay;
        bool isLast;
        lock (_lock)
        {
            if (!_relays.TryGetValue(session, out relay))
                return;
            isLast = --relay.Listeners == 0;
            if (isLast)
                _relays.Remove(session);
        }
        if (isLast)
            relay.End();
        else
            relay.Wake(); // perhaps nobody is attached any more
    }

    public void Wake(SessionKey session)
    {
        Relay? relay;
        lock (_lock)
            _relays.TryGetValue(session, out relay);
        relay?.Wake();
    }

    public void Dispose() => _stopped.Dispose();

    private async Task RunAsync(Relay relay)
    {
        await Task.Yield(); // on a thread of its own, with nothing of the caller's
        using (relay)
        {
            while (!relay.Stop.IsCancellationRequested)
            {
                try
                {
                    await TendAsync(relay);
                }
                catch (OperationCanceledException) when (relay.Stop.IsCancellationRequested)
                {
                    return;
                }
                catch (Exception bug)
                {
                    log.RelayFailed(bug, relay.Session);
                    await relay.WaitAsync(options.FeedPoll, time); // then anew: its readers still listen
                }
            }
        }
    }

    private async Task TendAsync(Relay relay)
    {
        var failures = 0;
        bool? wasHere = null;
        while (!relay.Stop.IsCancellationRequested)
        {
            var isHere = local.Stays(relay.Session);
            if (wasHere is not null && wasHere != isHere)
                await PulseAsync(relay);
            wasHere = isHere;
            if (isHere)
            {
                failures = 0;
                await relay.WaitAsync(options.FeedPoll, time);
                if (local.IsSuspended(relay.Session))
                    await PulseAsync(relay); // its actor says nothing now, and another node may be the owner: the readers ask
                continue;
            }
            var began = time.GetTimestamp();
            await FollowAsync(relay);
            if (relay.Stop.IsCancellationRequested)
                return;
            failures = time.GetElapsedTime(began) > options.FeedPoll ? 0 : failures + 1;
            await PulseAsync(relay); // what happened since the last line
            var ceilingMs = Math.Min(options.FeedPoll.TotalMilliseconds, 100 * (1L << Math.Min(failures, 10)));
            await relay.WaitAsync(TimeSpan.FromMilliseconds((ceilingMs / 2) + (ceilingMs / 2 * random.NextUnit())), time);
        }
    }

    /// <summary>
    /// The readers look. When an owner goes, every relay to it ends in the same moment: with many of them the reads are spread, a
    /// millisecond for each and not over more than <c>FeedPoll</c>, so that the next owner is not met by all at once.
    /// </summary>
    private async ValueTask PulseAsync(Relay relay)
    {
        var within = SpreadOf(Count, options.FeedPoll);
        if (within > TimeSpan.Zero)
            await Task.Delay(within * random.NextUnit(), time, relay.Stop);
        feed.Published(relay.Session, 0);
    }

    internal static TimeSpan SpreadOf(int relays, TimeSpan most)
    {
        var each = TimeSpan.FromMilliseconds(relays - 1);
        return each < most ? each : most;
    }

    /// <summary>Returns when the relay does not stand any more, or never stood.</summary>
    private async Task FollowAsync(Relay relay)
    {
        var shard = local.ShardOf(relay.Session);
        if (owners.Find(shard) is not { } owner || owner.Node == identity.Self || identity.Secret() is not { IsEmpty: false } secret)
        {
            owners.Refresh();
            return;
        }
        var attached = feed.IsAttached(relay.Session);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(relay.Stop);
        using var silence = new CancellationTokenSource(options.FeedBeat * 3, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, silence.Token);
        // Somebody attached, the shard came here, or another node has it now: one that is cut off from the store does not know, and goes on beating.
        void Look()
        {
            if (feed.IsAttached(relay.Session) != attached || local.Stays(relay.Session) || (owners.Find(shard) is { } now && now.Node != owner.Node))
                _ = ending.CancelAsync();
        }
        using var looking = relay.OnWake(Look);
        await using var lookTimer = time.CreateTimer(static look => ((Action)look!)(), (Action)Look, options.FeedPoll, options.FeedPoll);
        Look();
        var path = $"{PeerHeaders.FeedPath}{relay.Session.Tenant}/{relay.Session.Identifier}{(attached ? "?attached=1" : "")}"; // nothing in it needs an escape
        using var request = PeerHeaders.NewRequest(HttpMethod.Get, new Uri(owner.Address), path, owner.Node, options.FeedBeat, secret.Span, default);
        try
        {
            using var response = await clients.OpenFeedAsync(request, either.Token);
            var answer = response.Headers.TryGetValues(PeerHeaders.Answer, out var words) ? words.First() : "";
            if (response.StatusCode != HttpStatusCode.OK || answer != PeerFrame.Feed)
            {
                await NotFollowedAsync(owner, response, answer, either.Token);
                return;
            }
            feed.Published(relay.Session, 0);
            await ReadAsync(relay.Session, PipeReader.Create(await response.Content.ReadAsStreamAsync(either.Token)), silence, either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            return; // silent, or something to look at
        }
        catch (Exception broken) when (broken is HttpRequestException or HttpProtocolException or IOException or JsonException or OperationCanceledException)
        {
            log.RelayBroke(relay.Session, owner.Address, broken.GetBaseException().Message);
            owners.Refresh();
        }
    }

    private async ValueTask NotFollowedAsync(Owner owner, HttpResponseMessage response, string answer, CancellationToken stop)
    {
        using var body = new MemoryStream();
        if (response.Content.Headers.ContentLength is <= LineBytesMax)
            await response.Content.CopyToAsync(body, stop);
        if (PeerCodec.Decode(owner.ShardId, new PeerFrame((int)response.StatusCode, answer, body.ToArray())) is not PeerAnswer.NotOwner { Hint: { } hint } || !owners.Accept(hint))
            owners.Refresh();
    }

    private async Task ReadAsync(SessionKey session, PipeReader lines, CancellationTokenSource silence, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var read = await lines.ReadAsync(stop);
                silence.CancelAfter(options.FeedBeat * 3);
                var rest = read.Buffer;
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    Tell(session, rest.Slice(0, end));
                    rest = rest.Slice(rest.GetPosition(1, end));
                }
                lines.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted || rest.Length > LineBytesMax)
                    return;
            }
        }
        finally
        {
            await lines.CompleteAsync();
        }
    }

    private void Tell(SessionKey session, ReadOnlySequence<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        if (JsonSerializer.Deserialize(ref reader, FeedJson.Default.FeedFrame) is not { } frame)
            return;
        if (frame.News == true)
            feed.Published(session, 0);
        if (frame.Progress is { } progress)
            feed.Progress(session, progress);
        if (frame.Closed == true)
            feed.Closed(session);
    }

    /// <summary>One session that is listened to.</summary>
    private sealed class Relay : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly CancellationTokenSource _ended;
        private TaskCompletionSource? _waiting;
        private Action? _onWake;
        private bool _woken;
        private bool _disposed;

        public Relay(SessionKey session, CancellationToken stopped)
        {
            Session = session;
            _ended = CancellationTokenSource.CreateLinkedTokenSource(stopped);
            Stop = _ended.Token;
        }

        public SessionKey Session { get; }

        public CancellationToken Stop { get; }

        /// <summary>Under the owner's lock.</summary>
        public int Listeners { get; set; } = 1;

        public void End()
        {
            lock (_gate)
            {
                if (!_disposed)
                    _ = _ended.CancelAsync();
            }
            Wake();
        }

        public void Wake()
        {
            lock (_gate)
            {
                _waiting?.TrySetResult();
                _woken |= _waiting is null && _onWake is null;
                _waiting = null;
                _onWake?.Invoke(); // under the gate, so that it does not run after its registration ended
            }
        }

        /// <summary>Until disposed, a wake calls this.</summary>
        public IDisposable OnWake(Action act)
        {
            lock (_gate)
                _onWake = act;
            return new Registration(this);
        }

        public async Task WaitAsync(TimeSpan atMost, TimeProvider time)
        {
            TaskCompletionSource waiting;
            lock (_gate)
            {
                if (_woken)
                {
                    _woken = false;
                    return;
                }
                _waiting = waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            await using (time.CreateTimer(static waiting => ((TaskCompletionSource)waiting!).TrySetResult(), waiting, atMost, Timeout.InfiniteTimeSpan))
                await waiting.Task;
            lock (_gate)
            {
                if (ReferenceEquals(_waiting, waiting))
                    _waiting = null; // a wake that comes now is for the next wait
            }
        }

        public void Dispose()
        {
            lock (_gate)
                _disposed = true;
            _ended.Dispose();
        }

        private sealed class Registration(Relay relay) : IDisposable
        {
            public void Dispose()
            {
                lock (relay._gate)
                    relay._onWake = null;
            }
        }
    }
}
