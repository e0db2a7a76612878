namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// What holds the bytes of one attempt back, so that every limit it is under is kept: the task's, the session's, the node's, the origin's.
/// Whoever moves bytes takes them here, at most <see cref="Grain"/> at once, after they were read or before they are written; a wait here is
/// no silence of the peer. Several connections of one attempt share its pace.
/// </summary>
internal interface IPace
{
    /// <summary>The most bytes to take at once, so that a wait stays short and a slow transfer flows evenly. No limit: the largest number.</summary>
    int Grain { get; }

    /// <summary>How long takers were held back so far; a rule about minimum speed leaves this time out.</summary>
    TimeSpan Held { get; }

    /// <summary>Completes when the bytes may pass: at once, and without an allocation, while nothing is limited.</summary>
    ValueTask TakeAsync(int bytes, CancellationToken stop);
}
