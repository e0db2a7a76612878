namespace Backhaul.Node.Files;

/// <summary>
/// For whom a task's files are touched. The epoch is in the names of the files, so that what an older owner still does misses those of a newer one;
/// <paramref name="MayAct"/> is asked right before a name is made, changed or removed.
/// </summary>
/// <param name="Epoch">Of the shard, when the attempt began.</param>
/// <param name="Attempt">The attempt's number.</param>
/// <param name="MayAct">Whether this node may act for the session at this moment. Called on file threads.</param>
internal sealed record PartOwner(long Epoch, int Attempt, Func<bool> MayAct)
{
    /// <summary>Throws <see cref="OwnershipLostException"/>.</summary>
    public void Check()
    {
        if (!MayAct())
            throw new OwnershipLostException();
    }
}

/// <summary>This node may not act for the session any more. What was about to be named was not; its bytes are where they were.</summary>
internal sealed class OwnershipLostException() : Exception("This node may not act for the session any more.");
