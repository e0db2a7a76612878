namespace Backhaul.Node.Actors;

/// <summary>Limits how many actors start at once. The wait does not count as a turn; messages wait in the mailbox meanwhile.</summary>
internal interface IStartGate
{
    /// <summary>Disposing the answer lets the next one in.</summary>
    ValueTask<IDisposable> EnterAsync(CancellationToken stop);
}
