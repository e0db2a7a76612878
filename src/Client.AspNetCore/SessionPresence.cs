namespace Backhaul.Client.AspNetCore;

/// <summary>When a service is attached to its session.</summary>
public enum SessionPresence
{
    /// <summary>While it runs.</summary>
    Attached = 1,

    /// <summary>When it is launched, for as long as there are events. At its start it only creates the session, or re-attaches.</summary>
    OnLaunch = 2,
}
