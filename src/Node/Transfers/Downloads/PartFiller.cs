using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// Fills a part from one connection, or from several when that is worth it: begins and ends connections, and makes everything that goes
/// to the session (progress, heads, checkpoints) on its one thread of logic, at ticks, so that the bytes' way meets no report.
/// <code>
///   wait ─► a connection ended │ tick │ a flush is done
///     ▲        none left: the end      │
///     └──── reports, checkpoint, connections more or fewer
/// </code>
/// A further connection that fails is given up and the others go on; the failure of the last one is the attempt's.
/// Invariant: when it returns, no connection runs, and what they received is written.
/// </summary>
internal sealed class PartFiller(
    AttemptOrder order, IAttemptReports reports, TransferServices services, SegmentPlan plan, PartWriter writer, DownloadSource source, IPace pace,
    long startedAt, CancellationToken stop)
{
    private static readonly TimeSpan TickMax = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TickMaxOfRandomAccess = TimeSpan.FromMilliseconds(100);

    private readonly List<SegmentConnection> _open = [];
    private readonly SpeedRule _speed = new(services.Options.BytesPerSecondMin, services.Options.SpeedWindow);
    private readonly SegmentTuner _tuner = new(services.Options.SegmentWindow);
    private readonly long _beganAt = services.Time.GetTimestamp();
    private readonly TimeSpan _heldBefore = pace.Held;
    private readonly long _beganWith = writer.Written;
    private bool _isRefused;
    private bool _isAlone = source is not { Validator: not null, ServesRanges: true } || services.Options.SegmentsMax == 1 || writer.NeedsOrder;

    public async ValueTask<PumpEnd> RunAsync(OutboundAnswer.Head head, Segment segment)
    {
        var (interval, most) = (services.Options.CheckpointInterval, order.Wishes is null ? TickMax : TickMaxOfRandomAccess);
        using var tick = new PumpTick(services.Time, interval < most ? interval : most);
        try
        {
            Open(lease: null).Begin(head, segment);
            while (true)
            {
                await WaitAsync(tick);
                if (await ReapAsync() is { } over)
                    return over;
                if (_open.Count == 0)
                    return PumpEnd.Finished.Instance;
                if (await OnTickAsync(tick) is { } refused)
                    return refused;
            }
        }
        finally
        {
            await CloseAsync();
        }
    }

    private Task WaitAsync(PumpTick tick)
    {
        if (tick.IsDue || writer.Flushing is { IsCompleted: true } || writer.IsFirstDue)
            return Task.CompletedTask;
        var news = writer.Flushing ?? writer.FirstDurable;
        if (_open.Count == 1 && news is null)
            return Task.WhenAny(_open[0].End, tick.Next);
        return Task.WhenAny([.. _open.Select(Task (connection) => connection.End), tick.Next, news ?? tick.Next]);
    }

    /// <summary>Looks at connections that ended; the answer ends everything.</summary>
    private async ValueTask<PumpEnd?> ReapAsync()
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            var connection = _open[i];
            if (!connection.End.IsCompleted)
                continue;
            var end = await connection.End; // a disk's refusal passes on
            _open.RemoveAt(i);
            connection.Dispose();
            switch (end)
            {
                case PumpEnd.Finished:
                    break;
                case PumpEnd.Refused:
                    _isAlone = _isRefused = true;
                    break;
                case PumpEnd.Broken { Failure.DiscardPart: false } when _open.Count > 0:
                    _tuner.Forget(Elapsed, writer.Written);
                    break;
                default:
                    return end;
            }
        }
        return null;
    }

    private async ValueTask<PumpEnd?> OnTickAsync(PumpTick tick)
    {
        if (writer.Flushing is { IsCompleted: true } && !await writer.EndCheckpointAsync())
            return new PumpEnd.Unwanted();
        if (writer.IsFirstDue)
            writer.BeginCheckpoint();
        if (!tick.IsDue)
            return null;
        tick.Clear();
        foreach (var connection in _open)
            connection.Nudge();
        reports.Progress(writer.Written, 0, writer.Total, null);
        if (services.Time.GetElapsedTime(startedAt) >= services.Options.RespondAfter && !await writer.Response.EnsureAsync())
            return new PumpEnd.Unwanted();
        if (writer.IsCheckpointDue)
            writer.BeginCheckpoint();
        if (_speed.Look(Elapsed - (pace.Held - _heldBefore), writer.Written - _beganWith) is { } rate)
            return new PumpEnd.Broken(DownloadFailures.TooSlow(RequestSender.Origin(new Uri(order.Url)), rate, services.Options, writer.Written));
        Prefer();
        Tune();
        return null;
    }

    private TimeSpan Elapsed => services.Time.GetElapsedTime(_beganAt);

    /// <summary>Wanted bytes get a connection: one more if there is one to have, else the one that is under way.</summary>
    private void Prefer()
    {
        if (order.Wishes is not { } wishes || source.Validator is null || writer.Total is null || _isRefused)
            return;
        plan.Want(wishes.Wanted);
        if (!plan.IsPressed)
            return;
        if (_open.Count < services.Options.SegmentsMax && TryOpen())
            _tuner.Forget(Elapsed, writer.Written);
        else
            _open.Find(connection => !connection.Retires)?.Redirect();
    }

    /// <summary>One connection more, or one fewer.</summary>
    private void Tune()
    {
        if (_isAlone || writer.Total is not { } total)
            return;
        var written = writer.Written;
        if (_open.Count > 1 && services.Slots.IsWanted(Host))
        {
            RetireOne();
            _tuner.Forget(Elapsed, written);
            return;
        }
        var left = total - written;
        var mayAdd = _open.Count < services.Options.SegmentsMax && left >= 2 * services.Options.SegmentBytesMin && IsLong(left, written);
        switch (_tuner.Look(Elapsed, written, mayAdd))
        {
            case SegmentStep.Add when !TryOpen():
                _tuner.Forget(Elapsed, written);
                break;
            case SegmentStep.Drop when _open.Count > 1:
                RetireOne();
                break;
        }
    }

    /// <summary>It must last for a few windows more: a try that is not over before the end only costs.</summary>
    private bool IsLong(long left, long written)
    {
        var rate = (written - _beganWith) / Math.Max(Elapsed.TotalSeconds, 0.001);
        return rate <= 0 || left / rate > 3 * services.Options.SegmentWindow.TotalSeconds;
    }

    private bool TryOpen()
    {
        if (services.Slots.TakeExtra(order.Files.Session, Host, order.SessionHostMax) is not { } lease)
            return false;
        Open(lease).Begin();
        return true;
    }

    private string Host => OriginName.Of(order.Url).ToString();

    private SegmentConnection Open(SlotLease? lease)
    {
        var connection = new SegmentConnection(order, services, plan, writer, source, pace, stop) { Lease = lease };
        _open.Add(connection);
        return connection;
    }

    /// <summary>The youngest that has a slot of its own, unless one is on its way out already.</summary>
    private void RetireOne()
    {
        if (!_open.Exists(connection => connection.Retires))
            _open.FindLast(connection => connection.Lease is not null)?.Retire();
    }

    private async ValueTask CloseAsync()
    {
        foreach (var connection in _open)
            connection.Cancel();
        foreach (var connection in _open)
        {
            await connection.End.WaitForEndAsync();
            connection.Dispose();
        }
        _open.Clear();
    }
}
