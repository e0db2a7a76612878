using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>Mutants: a session's actor that takes some messages for others, or for nothing.</summary>
internal sealed class MutantActor(SessionActor actor, Func<SessionMessage, SessionMessage?> read) : Actor<SessionMessage>
{
    /// <summary>The actor as it is, or as a rule that is switched off makes it.</summary>
    public static Actor<SessionMessage> Of(SessionActor actor, SessionKey session, SimRules rules, Oracle oracle) =>
        rules.AttemptFenceIsOff ? new MutantActor(actor, message => AsPresent(message, session, oracle))
        : rules.TakenIsForgotten ? new MutantActor(actor, Forget)
        : rules.CancelsAlwaysWin ? new MutantActor(actor, Winning)
        : rules.RetentionIsShort ? new MutantActor(actor, WithShortRetention)
        : rules.NobodyIsAsked ? new MutantActor(actor, Unasked)
        : rules.QuestionsHaveNoNumber ? new MutantActor(actor, WithoutNumber)
        : rules.GroupsAreParallel ? new MutantActor(actor, Parallel)
        : rules.BudgetIsOff ? new MutantActor(actor, WithoutBudget)
        : rules.ViewsHideTheirTime ? new MutantActor(actor, message => Answering<SessionCommand.GetTask>(message, WithoutTime))
        : rules.EndsAreConfused ? new MutantActor(actor, message => Adding(message, Confused))
        : rules.SetsLeaveOut ? new MutantActor(actor, message => Adding(message, static spec => spec.Priority < 0.5 ? spec with { CompletionGroup = null } : spec))
        : rules.SetsStayOpen ? new MutantActor(actor, StayOpen)
        : rules.WakesAreMissed ? new MutantActor(actor, static message => message is SessionMessage.Wake ? null : message)
        : actor;

    protected internal override ValueTask StartAsync(ActorContext<SessionMessage> context) => actor.StartAsync(context);

    protected internal override ValueTask ReceiveAsync(SessionMessage message, ActorContext<SessionMessage> context) =>
        read(message) is { } taken ? actor.ReceiveAsync(taken, context) : default;

    protected internal override ValueTask StopAsync(StopReason reason, ActorContext<SessionMessage> context) => actor.StopAsync(reason, context);

    protected internal override void Unhandled(SessionMessage message, UnhandledReason reason) => actor.Unhandled(message, reason);

    protected internal override SupervisionDecision Supervise(ChildFailure failure) => actor.Supervise(failure);

    protected internal override ValueTask ChildStartedAsync(string name, ActorContext<SessionMessage> context) => actor.ChildStartedAsync(name, context);

    protected internal override ValueTask ChildStoppedAsync(ChildStopped stopped, ActorContext<SessionMessage> context) => actor.ChildStoppedAsync(stopped, context);

    /// <summary>Each report is one of its task's present attempt, as it would be without the attempt's number.</summary>
    private static SessionMessage AsPresent(SessionMessage message, SessionKey session, Oracle oracle) =>
        message is SessionMessage.Report report && oracle.NewestAttempt(session, report.Task) is var newest and > 0 ? report with { Attempt = newest } : message;

    /// <summary>That a webhook was taken is not written down.</summary>
    private static SessionMessage? Forget(SessionMessage message)
    {
        if (message is not SessionMessage.WebhookEnded { What.Answer.Result: WebhookResult.Taken } taken)
            return message;
        taken.Recorded.TryAnswer(true);
        return null;
    }

    /// <summary>Configurations without their budget.</summary>
    private static SessionMessage WithoutBudget(SessionMessage message) =>
        message is SessionMessage.Execute { Command: SessionCommand.Open { Configuration: { } asked } } execute
            ? execute with { Command = new SessionCommand.Open(asked with { LaunchLimit = null }) }
            : message;

    /// <summary>A cancel that lost is told what one that won is.</summary>
    private static SessionMessage Winning(SessionMessage message) => Answering<SessionCommand.CancelTask>(message, static (command, reply) =>
        reply is CommandReply.Refused { Problem.Code: ProblemCodes.TaskEnded } ? new CommandReply.Done(202, Won(command.Task)) : reply);

    private static CommandReply WithoutTime(SessionCommand.GetTask command, CommandReply reply) => reply is CommandReply.Done done
        ? done with
        {
            Json = JsonSerializer.SerializeToUtf8Bytes(
                JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.TaskView)! with { NextEvaluationAt = null }, ProtocolJson.Default.TaskView),
        }
        : reply;

    /// <summary>Enabling a completion group is answered with a look at it.</summary>
    private static SessionMessage StayOpen(SessionMessage message) =>
        message is SessionMessage.Execute { Command: SessionCommand.EnableCompletionGroup enable } execute
            ? execute with { Command = new SessionCommand.GetCompletionGroup(enable.Group), Key = null }
            : message;

    private static TaskSpec Confused(TaskSpec spec) =>
        spec.Notify is { } notify ? spec with { Notify = notify with { Success = notify.Failure, Failure = notify.Success } } : spec;

    private static SessionMessage Adding(SessionMessage message, Func<TaskSpec, TaskSpec> change) =>
        message is SessionMessage.Execute { Command: SessionCommand.AddTask add } execute
            ? execute with { Command = new SessionCommand.AddTask(change(add.Spec)) }
            : message;

    /// <summary>A kind of command is told something else than the session says.</summary>
    private static SessionMessage Answering<T>(SessionMessage message, Func<T, CommandReply, CommandReply> change)
        where T : SessionCommand
    {
        if (message is not SessionMessage.Execute { Command: T command } execute)
            return message;
        var asked = new Request<CommandReply>();
        _ = TellAsync();
        return execute with { Reply = asked };

        async Task TellAsync() => execute.Reply.TryAnswer(change(command, await asked.Reply));
    }

    private static ReadOnlyMemory<byte> Won(TaskId task) => JsonSerializer.SerializeToUtf8Bytes(
        new TaskView
        {
            Id = task.ToString(),
            Kind = "download",
            Url = "",
            Method = "GET",
            State = "completed",
            Outcome = TaskOutcomes.Cancelled,
            Priority = 0.5,
            Progress = new TaskProgress { BytesReceived = 0, BytesSent = 0, Generation = 1 },
            Attempts = 0,
            CreatedAt = DateTimeOffset.UnixEpoch,
        },
        ProtocolJson.Default.TaskView);

    private static SessionMessage WithShortRetention(SessionMessage message) =>
        message is SessionMessage.Execute { Command: SessionCommand.Open { Configuration: { EventRetention: { } asked } configuration } } execute
            ? execute with { Command = new SessionCommand.Open(configuration with { EventRetention = asked / 3 }) }
            : message;

    private static SessionMessage Unasked(SessionMessage message) => Adding(message, static spec => spec with { AskBeforeStart = null });

    /// <summary>An answer is one to whatever is asked now.</summary>
    private static SessionMessage WithoutNumber(SessionMessage message) => message switch
    {
        SessionMessage.Execute { Command: SessionCommand.AnswerChallenge answer } execute => execute with { Command = answer with { Attempt = null } },
        SessionMessage.Execute { Command: SessionCommand.AnswerDelayedRequest answer } execute => execute with { Command = answer with { Attempt = null } },
        _ => message,
    };

    private static SessionMessage Parallel(SessionMessage message) =>
        message is SessionMessage.Execute { Command: SessionCommand.PutGroup put } execute ? execute with { Command = put with { Mode = GroupMode.Parallel } } : message;
}
