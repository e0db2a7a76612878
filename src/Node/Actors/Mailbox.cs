using System.Diagnostics;
using System.Threading.Channels;

namespace Backhaul.Node.Actors;

/// <summary>Which messages to take.</summary>
internal enum MailboxLanes
{
    Both = 1,
    Reports = 2,
    Inbox = 3,
}

/// <summary>A place in both lanes, in messages taken since the beginning.</summary>
internal readonly record struct MailboxPosition(long Inbox, long Reports);

/// <summary>
/// The messages of one actor; it outlives the instances. Two bounded lanes: the inbox of everybody, and the children's reports, which are
/// still received while the actor stops and its inbox takes nothing any more. Neither lane starves the other. Writers come from any
/// thread; the rest belongs to the loop, but for <see cref="Close"/> after an abandoned stop.
/// </summary>
internal sealed class Mailbox<TMessage>(int laneMax)
{
    private readonly Channel<Envelope<TMessage>> _inbox = NewLane(laneMax);
    private readonly List<TMessage> _taken = [];
    private Channel<Envelope<TMessage>>? _reports;
    private long _inboxTaken;
    private long _reportsTaken;
    private bool _reportsFirst;

    /// <summary>Messages that wait.</summary>
    public int Depth => _inbox.Reader.Count + (Volatile.Read(ref _reports)?.Reader.Count ?? 0);

    /// <summary>Messages of the turn in hand.</summary>
    public IReadOnlyList<TMessage> Taken => _taken;

    /// <summary>The trace of whoever posted the message taken last.</summary>
    public ActivityContext Trace { get; private set; }

    /// <summary>Behind everything that waits now.</summary>
    public MailboxPosition End => new(_inboxTaken + _inbox.Reader.Count, _reportsTaken + (_reports?.Reader.Count ?? 0));

    public bool HasPassed(MailboxPosition position) => _inboxTaken >= position.Inbox && _reportsTaken >= position.Reports;

    /// <summary>The lane of the reports is made when it is first asked for; most actors have none.</summary>
    public ChannelWriter<Envelope<TMessage>> Lane(bool forChildren, bool hasEnded)
    {
        if (!forChildren)
            return _inbox.Writer;
        var lane = Volatile.Read(ref _reports) ?? Interlocked.CompareExchange(ref _reports, NewLane(laneMax), null) ?? _reports!;
        if (hasEnded)
            lane.Writer.TryComplete();
        return lane.Writer;
    }

    public bool TryTake(MailboxLanes lanes, out TMessage message)
    {
        _reportsFirst = !_reportsFirst;
        return lanes switch
        {
            MailboxLanes.Reports => TryTake(_reports?.Reader, ref _reportsTaken, out message),
            MailboxLanes.Inbox => TryTake(_inbox.Reader, ref _inboxTaken, out message),
            _ when _reportsFirst => TryTake(_reports?.Reader, ref _reportsTaken, out message) || TryTake(_inbox.Reader, ref _inboxTaken, out message),
            _ => TryTake(_inbox.Reader, ref _inboxTaken, out message) || TryTake(_reports?.Reader, ref _reportsTaken, out message),
        };
    }

    /// <summary>A message that came another way belongs to the turn as well.</summary>
    public void Take(TMessage message)
    {
        Trace = default;
        _taken.Add(message);
    }

    /// <summary>The turn is over.</summary>
    public void Forget()
    {
        Trace = default;
        _taken.Clear();
    }

    /// <summary>Takes nothing more and returns what still waits.</summary>
    public IEnumerable<TMessage> Close()
    {
        _inbox.Writer.TryComplete();
        _reports?.Writer.TryComplete();
        while (_inbox.Reader.TryRead(out var waiting) || (_reports?.Reader.TryRead(out waiting) ?? false))
            yield return waiting.Message;
    }

    private bool TryTake(ChannelReader<Envelope<TMessage>>? lane, ref long taken, out TMessage message)
    {
        message = default!;
        if (lane is null || !lane.TryRead(out var envelope))
            return false;
        taken++;
        message = envelope.Message;
        Trace = envelope.Trace;
        _taken.Add(message);
        return true;
    }

    private static Channel<Envelope<TMessage>> NewLane(int laneMax) =>
        Channel.CreateBounded<Envelope<TMessage>>(new BoundedChannelOptions(laneMax) { SingleReader = true, AllowSynchronousContinuations = false });
}
