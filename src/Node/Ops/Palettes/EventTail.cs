using System.Text.Json;
using System.Text.Json.Nodes;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>Events of a session as lines, and the progress of one task; at its end it stops, or goes on with what comes.</summary>
internal sealed class EventTail(SessionAsk ask, OpsOptions options, TimeProvider time)
{
    private const int PageEvents = 256;

    /// <summary>What to show: of one task when <paramref name="Only"/> is set, and then only until it has ended.</summary>
    internal sealed record Order(SessionKey Session, TaskId? Only, long After, long Limit, bool Follow, bool Json);

    public async ValueTask<PaletteExit> RunAsync(Order order, PaletteOutput output, CancellationToken stop)
    {
        var after = order.After;
        var left = order.Limit;
        var count = 0L;
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
                await Task.Delay(options.TailInterval, time, stop);
        }
        if (!order.Json)
            await output.LineAsync(Columns.Count(count, "event", "events"));
        return PaletteExit.Done;
    }

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
                + (progress.BytesPerSecond is { } speed ? $" | {Columns.Size(speed)}/s" : "")
                + (progress.Eta is { } eta ? $" | {Columns.Duration(eta)} left" : "");
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
