using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The child of a session that sends one webhook, once. It makes the message from the journal, sends it while this node is trusted, and the last thing it
/// says is what came of it, heard before it ends. When it is stopped it waits a moment for the answer: what was taken and is not recorded is sent again
/// by the next owner.
/// </summary>
internal sealed class WebhookActor(WebhookBrief brief, SessionEnvironment environment, ActorRef<SessionMessage> parent) : Actor<WebhookActor.None>
{
    private const int PageRows = 64;
    private static readonly TimeSpan AnswerAfterStop = TimeSpan.FromSeconds(1);

    private readonly WebhookOrder _order = brief.Order;
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger = environment.Loggers.CreateLogger<WebhookActor>();
    private Task _run = Task.CompletedTask;

    /// <summary>It takes no messages: everything it does follows from its order.</summary>
    internal sealed record None;

    protected internal override ValueTask StartAsync(ActorContext<None> context)
    {
        _run = RunAsync(context.Self);
        return default;
    }

    protected internal override ValueTask ReceiveAsync(None message, ActorContext<None> context) => default;

    protected internal override async ValueTask StopAsync(StopReason reason, ActorContext<None> context)
    {
        await using (environment.Time.CreateTimer(static stop => ((CancellationTokenSource)stop!).Cancel(), _stop, AnswerAfterStop, Timeout.InfiniteTimeSpan))
            await _run;
        _stop.Dispose();
    }

    private async Task RunAsync(ActorRef<None> self)
    {
        try
        {
            if (await SendAsync() is { } report)
                await TellAsync(report);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _logger.WebhookGivenUp(environment.Session, _order.Target);
        }
        catch (Exception failure)
        {
            _logger.WebhookBroke(environment.Session, _order.Target, failure);
        }
        finally
        {
            self.Stop(StopReason.Requested);
        }
    }

    /// <summary>Null when this node is not the owner any more.</summary>
    private ValueTask<WebhookReport?> SendAsync() => _order.Target switch
    {
        WebhookTarget.Push => PushAsync(),
        WebhookTarget.Launch => LaunchAsync(brief.Launch!),
        WebhookTarget.Notify => NotifyAsync(brief.Notification!),
        _ => throw new InvalidOperationException($"There is no webhook for {_order.Target}."),
    };

    private async ValueTask<WebhookReport?> PushAsync()
    {
        if (await NextEventAsync() is not { } found)
            return null;
        if (found.View is not { } view)
            return new WebhookReport(_order, found.Number, null);
        var id = CloudEvent.IdOf(environment.Session, "push", view.Number);
        var push = brief.Configuration.Push!;
        return await SendAsync(view.Number, push.Url!, push.Secret!, id, CloudEvent.Write(id, environment.Session, view));
    }

    private ValueTask<WebhookReport?> LaunchAsync(LaunchRun launch)
    {
        var id = CloudEvent.IdOf(environment.Session, "launch", launch.Number);
        var target = brief.Configuration.Launch!;
        return SendAsync(launch.Number, target.Url!, target.Secret!, id, CloudEvent.Write(id, environment.Session, "launch", launch.At, subject: null, json =>
        {
            json.WriteStartObject();
            json.WriteString("session", environment.Session.Identifier.ToString());
            json.WriteNumber("launch", launch.Number);
            json.WriteString("reason", launch.Reason);
            json.WriteNumber("lastEvent", launch.Through);
            json.WriteEndObject();
        }));
    }

    private async ValueTask<WebhookReport?> NotifyAsync(Notification pending)
    {
        if (pending.Secret is not { } secret)
            return Unsendable("There is no secret left to sign it with.");
        var id = CloudEvent.IdOf(environment.Session, "notify", pending.Number);
        ReadOnlyMemory<byte> body;
        try
        {
            if (environment.Holder.Current is not { } grant
                || await environment.Store.FindArchivedAsync(grant, environment.Session, pending.Generation, [pending.Task], _stop.Token) is not { } rows)
            {
                return null;
            }
            if (rows.Count == 0)
                return Unsendable("What the task came to is not in the archive any more.");
            body = Write(id, pending, rows[0]);
        }
        catch (JournalStoreException damage) when (damage.Failure is StoreFailure.Rejected) // to try again would not help; a store that does not answer is waited for
        {
            _logger.NotificationUnreadable(environment.Session, pending.Task, damage);
            return Unsendable("What the task came to cannot be read in the archive.");
        }
        return await SendAsync(pending.Number, pending.Url, secret, id, body);

        WebhookReport Unsendable(string why) => new(_order, pending.Number, new WebhookAnswer(WebhookResult.Gone, null, null, why));
    }

    private ReadOnlyMemory<byte> Write(string id, Notification pending, ArchivedTask row)
    {
        try
        {
            return NotificationBody.Write(id, environment.Session, pending.Number, pending.Generation, SessionStorage.Read(row));
        }
        catch (Exception damage) when (damage is JsonException or FormatException or ArgumentException or InvalidOperationException or NotSupportedException or NullReferenceException)
        {
            throw new JournalStoreException(StoreFailure.Rejected, $"Task {pending.Task} of session {environment.Session} cannot be read in the archive.", damage);
        }
    }

    private async ValueTask<WebhookReport?> SendAsync(long number, string url, string secret, string id, ReadOnlyMemory<byte> body)
    {
        var message = new WebhookMessage(environment.Session, url, secret, id, body) { IsNotification = _order.Target is WebhookTarget.Notify };
        if (await environment.Webhooks.SendAsync(message, () => environment.Trust.MayAct, _stop.Token) is not { } answer)
            return null;
        environment.CrashPoints.Reach("webhook.sent");
        return new WebhookReport(_order, number, answer);
    }

    /// <summary>The first event behind the order's position that is wanted; without a view when there is none up to the number, which ends a replay too.</summary>
    private async ValueTask<(long Number, EventView? View)?> NextEventAsync()
    {
        var after = _order.Key;
        while (after < brief.Through)
        {
            if (environment.Holder.Current is not { } grant
                || await environment.Store.ReadNumberedAsync(grant, environment.Session, after, PageRows, _stop.Token) is not { } rows)
            {
                return null;
            }
            if (rows.Count == 0)
                break;
            foreach (var row in rows)
            {
                if (row.Number > brief.Through)
                    return (brief.Through, null);
                if (SessionEvent.Codec.Decode(row.EventType, row.Payload) is not DecodeResult<SessionEvent>.Decoded { Event: var happened })
                    throw new JournalStoreException(StoreFailure.Rejected, $"Row {row.Sequence} of session {environment.Session} cannot be read.");
                if (PushState.Wants(brief.Configuration.Push, EventViews.TypeOf(happened)))
                    return (row.Number!.Value, EventViews.View(row, happened));
                after = row.Number!.Value;
            }
        }
        return (brief.Through, null);
    }

    private async ValueTask TellAsync(WebhookReport report)
    {
        var recorded = new Request<bool>();
        if (await parent.PostAsync(new SessionMessage.WebhookEnded(report, recorded), CancellationToken.None))
            await recorded.Reply;
    }
}
