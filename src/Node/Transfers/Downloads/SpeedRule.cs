namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// Whether a download is too slow to be worth its connection: a peer that sends a byte now and then is never silent long enough for the idle
/// timer, and would hold a slot for days. Pure: time and bytes are arguments.
/// </summary>
internal sealed class SpeedRule(int bytesPerSecondMin, TimeSpan window)
{
    private TimeSpan _since;
    private long _sinceBytes;

    /// <param name="now">Time since the download began, without what limits held back.</param>
    /// <param name="bytes">Bytes in all so far.</param>
    /// <returns>The rate of a window that was too slow, or null.</returns>
    public double? Look(TimeSpan now, long bytes)
    {
        var elapsed = now - _since;
        if (bytesPerSecondMin == 0 || elapsed < window)
            return null;
        var rate = (bytes - _sinceBytes) / elapsed.TotalSeconds;
        (_since, _sinceBytes) = (now, bytes);
        return rate < bytesPerSecondMin ? rate : null;
    }
}
