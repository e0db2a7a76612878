namespace Backhaul.Node.Transfers.Downloads;

/// <summary>What to do about the number of connections.</summary>
internal enum SegmentStep
{
    Stay,
    Add,
    Drop,
}

/// <summary>
/// How many connections one download is worth, found by trying: one more, and it stays when the whole got faster by a margin that is
/// worth it; else it goes again, and the next try waits longer. What an origin or a line gives to each connection makes more of them
/// faster; what is full already, a core or a disk, does not. Pure: time and bytes are arguments.
/// </summary>
internal sealed class SegmentTuner(TimeSpan window)
{
    /// <summary>A connection more must bring this much, or it is only a burden on the origin.</summary>
    private const double GainMin = 1.12;
    private const int PatienceMax = 32;

    private TimeSpan _since;
    private long _sinceBytes;
    private double _before;
    private bool _isTrying;
    private bool _isWarm;
    private int _patience = 1;
    private int _rest;

    /// <summary>Called as often as one likes; answers with a step at the end of a window.</summary>
    /// <param name="now">Time since the download began.</param>
    /// <param name="bytes">Bytes in all so far.</param>
    /// <param name="mayAdd">Another connection would have something to do.</param>
    public SegmentStep Look(TimeSpan now, long bytes, bool mayAdd)
    {
        var elapsed = now - _since;
        if (elapsed < window)
            return SegmentStep.Stay;
        var rate = (bytes - _sinceBytes) / elapsed.TotalSeconds;
        Begin(now, bytes);
        // A window in which a connection began says nothing yet: it is still getting up to speed.
        if (!_isWarm)
        {
            _isWarm = true;
            return SegmentStep.Stay;
        }
        if (_isTrying)
        {
            _isTrying = false;
            if (rate < _before * GainMin)
            {
                _rest = _patience;
                _patience = Math.Min(_patience * 2, PatienceMax);
                _isWarm = false;
                return SegmentStep.Drop;
            }
            _patience = 1;
        }
        if (!mayAdd || _rest-- > 0)
            return SegmentStep.Stay;
        (_before, _isTrying, _isWarm, _rest) = (rate, true, false, 0);
        return SegmentStep.Add;
    }

    /// <summary>The number changed for other reasons, or the step could not be taken: what was measured says nothing any more.</summary>
    public void Forget(TimeSpan now, long bytes)
    {
        Begin(now, bytes);
        (_isTrying, _isWarm) = (false, false);
        _rest = Math.Max(_rest, 1);
    }

    private void Begin(TimeSpan now, long bytes) => (_since, _sinceBytes) = (now, bytes);
}
