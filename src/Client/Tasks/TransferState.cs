namespace Backhaul.Client;

/// <summary>Where a task is on its way.</summary>
public enum TransferState
{
    /// <summary>A state that this version does not know.</summary>
    Unknown = 0,

    /// <summary>Created so, or stopped; no clock runs.</summary>
    Suspended = 1,

    /// <summary>Ready, or held back by <see cref="BackgroundTask.Reason"/>.</summary>
    Waiting = 2,

    /// <summary>An attempt is under way.</summary>
    Running = 3,

    /// <summary>On the way to <c>cancelled</c>.</summary>
    Canceling = 4,

    /// <summary>Ended, with an <see cref="BackgroundTask.Outcome"/>.</summary>
    Completed = 5,
}
