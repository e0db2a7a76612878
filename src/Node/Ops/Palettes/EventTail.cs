using System.Text.Json;
using System.Text.Json.Nodes;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// Events of a session as lines, and progress; at the last one it stops, or goes on with what comes. News are announced by the feed of
/// this node; a slow pulse covers what it does not announce, such as a session that moved away.
/// </summary>
internal sealed class EventTail(SessionAsk ask, SessionFeed feed, OpsOptions options, TimeProvider time)
{
    private const int PageEvents = 256;
    private const int PulseIntervals = 10;
    private const int TaskPulseIntervals = 2;

    /// <summary>What to show: of one task when <paramref name="Only"/> is set, and then only until it has ended.</summary>
    internal sealed record Order(SessionKey Session, TaskId? Only, long After, long Limit, bool Follow, bool Json);

    public async ValueTask<PaletteExit> RunAsync(Order order, PaletteOutput output, CancellationToken stop)
    {
        var after = order.After;
        var left = order.Limit;
        var count = 0L;
        using var news = order.Follow ? feed.Subscribe(order.Session) : null;
        var task = order.Only is { } only ? new TaskProgressTail(order, only) : null;
        while (true)
        {
            // The task is read before the events: when it has ended by then, its last event is among those read after.
            var ended = false;
            if (task is not null)
            {
                var (state, exit) = await task.ShowAsync(ask, output, stop);
                if (exit is { } refused)
                    return refused;
                ended = state == "completed";
            }
            var answer = await ask.SendAsync(order.Session, new SessionCommand.ReadEvents(after, (int)Math.Min(left, PageEvents)), output, stop);
            if (answer.Exit is PaletteExit.TryAgain && order.Follow)
            {
                await Task.Delay(options.TailInterval * 4, time, stop);
                continue;
            }
            if (answer.Exit is { } failed)
                return failed;
            var page = answer.Read(ProtocolJson.Default.EventPage);
            foreach (var @event in page.Events)
            {
                after = @event.Number;
                left--;
                if (order.Only is not null && @event.Task != order.Only.ToString())
                    continue;
                count++;
                await WriteAsync(order, @event, output);
            }
            if (left == 0 || (page.Events.Count == 0 && (!order.Follow || ended)))
                break;
            if (page.Events.Count == 0)
                await WaitAsync(order, news, output, stop);
        }
        if (!order.Json)
            await output.LineAsync(Columns.Count(count, "event", "events"));
        return PaletteExit.Done;
    }

    /// <summary>Until there may be something new. Without a subscription, because the node has as many as it takes, it looks now and then.</summary>
    private async ValueTask WaitAsync(Order order, FeedSubscription? news, PaletteOutput output, CancellationToken stop)
    {
        if (news is null)
        {
            await Task.Delay(options.TailInterval, time, stop);
            return;
        }
        using (time.CreateTimer(static state => ((FeedSubscription)state!).Pulse(), news, options.TailInterval * (order.Only is null ? PulseIntervals : TaskPulseIntervals), Timeout.InfiniteTimeSpan))
        using (stop.Register(news.Pulse))
            await news.WaitAsync(wantsProgress: true);
        stop.ThrowIfCancellationRequested();
        var progress = new List<ProgressView>();
        news.TakeProgress(progress);
        if (order.Only is null)
        {
            foreach (var moved in progress)
                await WriteAsync(order, moved, output);
        }
        // Progress comes often; twice a second is enough for eyes. Events are not kept waiting.
        if (!news.TakeNews())
            await Task.Delay(options.TailInterval, time, stop);
    }

    private static ValueTask WriteAsync(Order order, ProgressView moved, PaletteOutput output)
    {
        if (order.Json)
            return output.JsonAsync(JsonSerializer.SerializeToNode(moved, ProtocolJson.Default.ProgressView));
        var progress = moved.Progress;
        var bytes = progress.BytesReceived + progress.BytesSent;
        return output.LineAsync(
            $"progress | {moved.Task} | {Columns.Progress(bytes, progress.TotalToReceive ?? progress.TotalToSend)} | {Columns.Size(bytes)}{Pace(progress)}");
    }

    private static string Pace(TaskProgress progress) =>
        (progress.BytesPerSecond is { } speed ? $" | {Columns.Size(speed)}/s" : "") + (progress.Eta is { } eta ? $" | {Columns.Duration(eta)} left" : "");

    private static ValueTask WriteAsync(Order order, EventView @event, PaletteOutput output)
    {
        if (order.Json)
            return output.JsonAsync(JsonSerializer.SerializeToNode(@event, ProtocolJson.Default.EventView));
        var data = UrlRedaction.Apply(JsonNode.Parse(@event.Data.GetRawText()));
        return output.LineAsync(
            $"{@event.Number} | {Columns.Time(@event.At)} | {@event.Type} | {@event.Task ?? "-"} | {data?.ToJsonString() ?? "{}"}");
    }

    /// <summary>Says how far a task is, when that changed.</summary>
    private sealed class TaskProgressTail(Order order, TaskId task)
    {
        private string? _shown;

        public async ValueTask<(string? State, PaletteExit? Exit)> ShowAsync(SessionAsk ask, PaletteOutput output, CancellationToken stop)
        {
            var answer = await ask.SendAsync(order.Session, new SessionCommand.GetTask(task), output, stop);
            if (answer.Exit is PaletteExit.TryAgain)
                return (null, null);
            if (answer.Exit is { } exit)
                return (null, exit);
            var view = answer.Read(ProtocolJson.Default.TaskView);
            var progress = view.Progress;
            var text = $"progress | {view.State} | {TaskList.Why(view)} | {TaskList.Progress(view)} | {Columns.Size(progress.BytesReceived + progress.BytesSent)}"
                + Pace(progress);
            if (text == _shown)
                return (view.State, null);
            _shown = text;
            if (order.Json)
            {
                var message = new ProgressView { Task = view.Id, Progress = progress };
                await output.JsonAsync(JsonSerializer.SerializeToNode(message, ProtocolJson.Default.ProgressView));
            }
            else
                await output.LineAsync(text);
            return (view.State, null);
        }
    }
}
