namespace Backhaul.Node.Actors;

/// <summary>
/// The kernel in a page. An actor is one logical thread: its methods never run at the same time, so it needs no locks, and the next
/// message waits while a turn awaits. A cell (<see cref="ActorCell"/>, <see cref="ActorLoop{TMessage}"/>) carries it and owns what
/// outlives a crash: the mailbox, the children, the timers' generations.
///
/// <code>
///               ┌────────── restart, after the back-off ──────────┐
///               ▼                                                 │
///   spawn ──► Starting ──started──► Running ──exception──► Failed ──parent: restart──► BackingOff
///               │ exception: Failed     │                    │ parent: stop or escalate     │
///               └──────────── stop ─────┴────────────────────┴──────────────────────────────┘
///                                       ▼
///                                   Stopping ──► Ended (Completed | Crashed | Abandoned), and the parent hears it
/// </code>
///
/// Invariants: every message posted with success is either received, or given to <see cref="Unhandled"/>, once; signals (stop, child
/// ends, timers) overtake messages and are never blocked by a full mailbox; StopAsync runs once for each instance whose StartAsync
/// was called; a stop has a deadline whoever asked for it; the end comes exactly once.
///
/// A stop, in order: the mailbox takes nothing more; the children are stopped in parallel, and while they end the actor receives their
/// reports (<see cref="ActorContext{TMessage}.ForChildren"/>) and answers what others had queued; StopAsync; the parent hears it.
/// </summary>
internal abstract class Actor<TMessage>
{
    /// <summary>Loads the state. An exception is a failure like any other: the parent decides.</summary>
    protected internal virtual ValueTask StartAsync(ActorContext<TMessage> context) => default;

    /// <summary>
    /// One turn. Never await a child, or anything without a deadline: work that takes long lives in children which post back.
    /// </summary>
    protected internal abstract ValueTask ReceiveAsync(TMessage message, ActorContext<TMessage> context);

    /// <summary>
    /// Checkpoint here; the children have ended. With <see cref="StopReason.Failed"/> the state may be torn: release what is held, save nothing.
    /// </summary>
    protected internal virtual ValueTask StopAsync(StopReason reason, ActorContext<TMessage> context) => default;

    /// <summary>A child threw. Runs between turns, also while paused, and must not wait.</summary>
    protected internal virtual SupervisionDecision Supervise(ChildFailure failure) => SupervisionDecision.Default;

    /// <summary>A child whose options ask for it has started, for the first time or again.</summary>
    protected internal virtual ValueTask ChildStartedAsync(string name, ActorContext<TMessage> context) => default;

    /// <summary>A child ended, for whatever reason; its name is free again.</summary>
    protected internal virtual ValueTask ChildStoppedAsync(ChildStopped stopped, ActorContext<TMessage> context) => default;

    /// <summary>
    /// A message that will not be received: it was queued when the actor stopped, or a turn that had taken it threw. Answer it, so that
    /// no caller hangs. Touch nothing but the message: after an abandoned stop this runs beside the turn that hangs.
    /// </summary>
    protected internal virtual void Unhandled(TMessage message, UnhandledReason reason)
    {
    }
}
