using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// <c>GET /node/feed/{tenant}/{session}</c>: another node has clients that listen to a session of this one. What its actor tells the feed goes
/// there as small lines: that there is news (the events themselves are read by number, as any query), progress, and a beat when there is
/// nothing. Ends as soon as the shard is handed over or lost, so that the other node looks for the next owner; a reader that does
/// not take what is written is cut off.
/// </summary>
internal sealed class FeedEndpoint(
    SessionFeed feed, LocalCommands local, IncomingCommands commands, PeerAdmission admission, NodeReadiness readiness, DeliveryOptions delivery,
    PeerOptions options, TimeProvider time, ILogger<FeedEndpoint> log)
{
    private static readonly byte[] LineEnd = "\n"u8.ToArray();

    private int _open;

    public async Task RunAsync(HttpContext context)
    {
        if (admission.Admit(context.Request, default, out _) is { } refusal)
        {
            await PeerEndpoints.WriteAsync(context, refusal, context.RequestAborted);
            return;
        }
        if (!SessionKey.TryParse($"{context.Request.RouteValues["tenant"]}/{context.Request.RouteValues["session"]}", out var session))
        {
            await PeerEndpoints.WriteAsync(context, PeerCodec.Refusal(400, "The path names no session."), context.RequestAborted);
            return;
        }
        if (!local.Stays(session))
        {
            await PeerEndpoints.WriteAsync(context, PeerCodec.Encode(new PeerAnswer.NotOwner(commands.HintFor(local.ShardOf(session)))), context.RequestAborted);
            return;
        }
        try
        {
            if (Interlocked.Increment(ref _open) > options.FeedsMax || feed.SubscribeForPeer(session) is not { } subscription)
            {
                await PeerEndpoints.WriteAsync(context, PeerCodec.Refusal(429, "This node has as many readers of events as it takes."), context.RequestAborted);
                return;
            }
            using (subscription)
                await FollowAsync(context, subscription);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException or TimeoutException)
        {
            log.PeerLeft(context.Request.Path);
            context.Abort();
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private async Task FollowAsync(HttpContext context, FeedSubscription subscription)
    {
        if (context.Request.Query["attached"] == "1")
            subscription.Attach();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, readiness.StreamsClosing);
        await using var onEnd = either.Token.UnsafeRegister(static feed => ((FeedSubscription)feed!).Pulse(), subscription);
        await using var beat = time.CreateTimer(static feed => ((FeedSubscription)feed!).Pulse(), subscription, options.FeedBeat, options.FeedBeat);
        using var showsProgress = new DueTimer(subscription, time);
        var response = context.Response;
        response.ContentType = "application/x-ndjson";
        response.Headers[PeerHeaders.Answer] = PeerFrame.Feed;
        var lastWrite = 0L;
        List<ProgressView> moved = [];
        while (!either.IsCancellationRequested && local.Stays(subscription.Session))
        {
            var wrote = false;
            if (subscription.TakeClosed())
                wrote = Write(response.BodyWriter, new FeedFrame(Closed: true));
            if (subscription.TakeNews())
                wrote = Write(response.BodyWriter, new FeedFrame(News: true));
            if (showsProgress.IsDue && subscription.HasProgress)
            {
                moved.Clear();
                subscription.TakeProgress(moved);
                foreach (var progress in moved)
                    wrote = Write(response.BodyWriter, new FeedFrame(Progress: progress));
                showsProgress.Set(delivery.ProgressEvery);
            }
            if (!wrote && (lastWrite == 0 || time.GetElapsedTime(lastWrite) >= options.FeedBeat))
                wrote = Write(response.BodyWriter, new FeedFrame());
            if (wrote)
            {
                await response.BodyWriter.FlushAsync(either.Token).AsTask().WaitAsync(delivery.WriteMax, time, either.Token);
                lastWrite = time.GetTimestamp();
            }
            await subscription.WaitAsync(wantsProgress: showsProgress.IsDue);
        }
    }

    private static bool Write(PipeWriter output, FeedFrame frame)
    {
        using (var json = new Utf8JsonWriter(output))
            JsonSerializer.Serialize(json, frame, FeedJson.Default.FeedFrame);
        output.Write(LineEnd);
        return true;
    }
}
