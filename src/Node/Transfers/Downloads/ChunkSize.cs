namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// How large the next buffer of a body is. A quick peer fills large ones, which cost the fewest calls for each byte; a thousand slow
/// ones fit into memory, because a buffer that takes long to fill is a small one. Pure.
/// </summary>
internal static class ChunkSize
{
    /// <summary>Of the first buffer, before anything is known of the peer.</summary>
    public const int First = 16 * 1024;

    private const int Step = 4;
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(30);
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(500);

    /// <param name="bytes">Of the last buffer.</param>
    /// <param name="filledIn">How long it took to fill it, or to be taken away unfilled.</param>
    /// <param name="bytesMax">The configured size.</param>
    public static int Next(int bytes, TimeSpan filledIn, int bytesMax)
    {
        if (filledIn < Quick)
            return Math.Min(bytes * Step, bytesMax);
        return filledIn > Slow ? Math.Max(bytes / Step, Math.Min(First, bytesMax)) : bytes;
    }
}
