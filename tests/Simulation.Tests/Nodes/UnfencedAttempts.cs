using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>A mutant: a session that takes each report for one of its task's present attempt, as it would without the attempt's number.</summary>
internal sealed class UnfencedAttempts(SessionActor actor, SessionKey session, Oracle oracle) : Actor<SessionMessage>
{
    protected internal override ValueTask StartAsync(ActorContext<SessionMessage> context) => actor.StartAsync(context);

    protected internal override ValueTask ReceiveAsync(SessionMessage message, ActorContext<SessionMessage> context) => actor.ReceiveAsync(
        message is SessionMessage.Report report && oracle.NewestAttempt(session, report.Task) is var newest and > 0 ? report with { Attempt = newest } : message, context);

    protected internal override ValueTask StopAsync(StopReason reason, ActorContext<SessionMessage> context) => actor.StopAsync(reason, context);

    protected internal override void Unhandled(SessionMessage message, UnhandledReason reason) => actor.Unhandled(message, reason);

    protected internal override SupervisionDecision Supervise(ChildFailure failure) => actor.Supervise(failure);

    protected internal override ValueTask ChildStartedAsync(string name, ActorContext<SessionMessage> context) => actor.ChildStartedAsync(name, context);

    protected internal override ValueTask ChildStoppedAsync(ChildStopped stopped, ActorContext<SessionMessage> context) => actor.ChildStoppedAsync(stopped, context);
}
