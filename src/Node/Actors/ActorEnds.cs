namespace Backhaul.Node.Actors;

/// <summary>Why an actor stops. The first reason given stays.</summary>
internal enum StopReason
{
    /// <summary>Somebody who holds a reference asked for it.</summary>
    Requested = 1,

    /// <summary>Nothing to do; it comes back with the next message.</summary>
    Passivate = 2,

    /// <summary>The node leaves.</summary>
    Drain = 3,

    /// <summary>The shard is lost: nothing may be written any more.</summary>
    Fenced = 4,

    /// <summary>The parent stops, or starts anew.</summary>
    ParentStopped = 5,

    /// <summary>It threw, and its parent decided that it ends; or an instance is replaced by a restart.</summary>
    Failed = 6,
}

/// <summary>How an actor ended: exactly one of these, and the parent always hears it.</summary>
internal enum ActorEnd
{
    /// <summary>In order.</summary>
    Completed = 1,

    /// <summary>By an exception.</summary>
    Crashed = 2,

    /// <summary>It did not end in time and was left behind; what it still does has no effect on the kernel.</summary>
    Abandoned = 3,
}

/// <summary>Why a message is handed to <see cref="Actor{TMessage}.Unhandled"/>.</summary>
internal enum UnhandledReason
{
    /// <summary>The actor stops.</summary>
    Stopped = 1,

    /// <summary>The turn that had taken the message threw; or a child reported to an instance that had failed.</summary>
    Failed = 2,

    /// <summary>The actor hangs and was left behind.</summary>
    Abandoned = 3,
}

/// <summary>A child that ended.</summary>
internal sealed record ChildStopped(string Name, ActorEnd End, StopReason? Reason, Exception? Failure);

/// <summary>
/// A child that threw and waits for a decision. <see cref="Failures"/> counts those without a quiet minute in between, this one
/// included; <see cref="WhileStarting"/> says that its start threw and not a later turn.
/// </summary>
internal sealed record ChildFailure(string Name, Exception Exception, int Failures, bool WhileStarting);
