namespace Backhaul.Client;

/// <summary>How a session ends.</summary>
public enum SessionEnd
{
    /// <summary>Every task is cancelled, then the session is gone.</summary>
    Cancel = 1,

    /// <summary>The session takes no more tasks, and is gone when the present ones have ended.</summary>
    Finish = 2,

    /// <summary>Every task is cancelled; the session stays.</summary>
    ForceQuit = 3,
}
