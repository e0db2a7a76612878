using System.Diagnostics;
using Backhaul.Node.Actors;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The child of a session that carries out one attempt. The transfer runs beside the mailbox, so that a stop is heard at once; what
/// must be durable goes to the session as a message and comes back when it is. The last thing it says is how the attempt ended; the
/// slot it was given is returned before that, so that the session can use it in the same turn.
/// </summary>
internal sealed class TaskActor(
    AttemptOrder order, AttemptProgress progress, SessionEnvironment environment, ActorRef<SessionMessage> session)
    : Actor<TaskActor.None>, IAttemptReports
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger = environment.Loggers.CreateLogger<TaskActor>();
    private int _generation = 1;
    private long _received = order.Kind is TaskKind.Download ? order.Resume?.Bytes ?? 0 : 0;
    private long _sent = order.Kind is TaskKind.Upload ? order.Resume?.Bytes ?? 0 : 0;
    private Task _run = Task.CompletedTask;

    /// <summary>It takes no messages: everything it does follows from its order.</summary>
    internal sealed record None;

    public static string NameOf(TaskId task, int attempt) => $"{task}@{attempt}";

    public static (TaskId Task, int Attempt) ParseName(string name)
    {
        var at = name.LastIndexOf('@');
        return (TaskId.Parse(name[..at]), int.Parse(name.AsSpan(at + 1)));
    }

    protected internal override ValueTask StartAsync(ActorContext<None> context)
    {
        _run = RunAsync(context.Self);
        return default;
    }

    protected internal override ValueTask ReceiveAsync(None message, ActorContext<None> context) => default;

    protected internal override async ValueTask StopAsync(StopReason reason, ActorContext<None> context)
    {
        _stop.Cancel(); // not CancelAsync: it would leave the scheduler
        await _run;
        _stop.Dispose();
    }

    public ValueTask<bool> RespondedAsync(AttemptResponse response) => TellAsync(new AttemptReport.Responded(response));

    public ValueTask<bool> CheckpointAsync(PartCheckpoint checkpoint) => TellAsync(new AttemptReport.Checkpointed(checkpoint));

    public ValueTask<bool> RedirectedAsync(string toUrl, int status) => TellAsync(new AttemptReport.Redirected(toUrl, status));

    public ValueTask<bool> RestartedAsync(string why)
    {
        _generation++;
        _received = 0;
        return TellAsync(new AttemptReport.Restarted(why));
    }

    public void Progress(long bytesReceived, long bytesSent, long? totalToReceive, long? totalToSend)
    {
        Count(bytesReceived, bytesSent);
        if (progress.Update(bytesReceived, bytesSent, totalToReceive, totalToSend) && environment.Feed.IsAttached(environment.Session))
            environment.Feed.Progress(environment.Session, progress.View(order.Files.Task, _generation));
    }

    private async Task RunAsync(ActorRef<None> self)
    {
        var isUpload = order.Kind is TaskKind.Upload;
        TransferInstruments.Started(isUpload);
        using var span = Uri.TryCreate(order.Url, UriKind.Absolute, out var url)
            ? TransferActivity.StartAttempt(isUpload, environment.Session.ToString(), order.Files.Task.ToString(), order.Attempt, url, order.TraceParent)
            : null;
        AttemptOutcome outcome;
        try
        {
            outcome = await environment.Runner.RunAsync(order, this, _stop.Token);
        }
        catch (Exception bug)
        {
            _logger.AttemptBroke(environment.Session, order.Files.Task, order.Attempt, bug);
            outcome = new AttemptOutcome.Failed(new AttemptFailure
            {
                Code = ProblemCodes.InternalError,
                Message = "The attempt broke with an error of the node; its log says more.",
                Retryable = true,
            });
        }
        finally
        {
            progress.Slot.Return();
            TransferInstruments.Ended(isUpload);
        }
        Tell(span, outcome);
        await TellAsync(new AttemptReport.Ended(outcome));
        self.Stop(StopReason.Requested);
    }

    /// <summary>Bytes since the last report; a start from zero begins anew.</summary>
    private void Count(long received, long sent)
    {
        if (received > _received)
            TransferInstruments.Received(received - _received);
        if (sent > _sent)
            TransferInstruments.Sent(sent - _sent);
        environment.Slots.Moved(Math.Max(0, sent - _sent), 0); // what comes in is counted where it is written, many times between two reports
        (_received, _sent) = (received, sent);
    }

    private void Tell(Activity? span, AttemptOutcome outcome)
    {
        switch (outcome)
        {
            case AttemptOutcome.Finished finished:
                Count(finished.BytesReceived, finished.BytesSent);
                environment.Slots.Moved(0, 1);
                TransferActivity.End(span, "finished", finished.Response.Status, null);
                if (finished.Unkept is { } why)
                    _logger.AnswerNotKept(environment.Session, order.Files.Task, why);
                break;
            case AttemptOutcome.Failed { Failure: var failure }:
                TransferActivity.End(span, "failed", failure.Status, failure.Code);
                break;
            default:
                TransferActivity.End(span, "stopped", null, null);
                break;
        }
    }

    /// <summary>False when the session is gone or does not want the attempt any more. The session answers every report, also when it fails.</summary>
    private async ValueTask<bool> TellAsync(AttemptReport report)
    {
        var accepted = new Request<bool>();
        return await session.PostAsync(new SessionMessage.Report(order.Files.Task, order.Attempt, report, accepted), CancellationToken.None)
            && await accepted.Reply;
    }
}
