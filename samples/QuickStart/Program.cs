// Hands one download to the node that ./run started, watches it, acknowledges its events, and says where the file is.
// Usage: dotnet run --project samples/QuickStart [url] [node]
using Backhaul.Client;
using Backhaul.Protocol;

var url = args.ElementAtOrDefault(0) ?? "https://example.org/";
var node = new Uri(args.ElementAtOrDefault(1) ?? "http://127.0.0.1:5080");

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;   // the download goes on without us: run this again to see how it went
    stop.Cancel();
};

using var client = new BackhaulClient(new BackhaulClientOptions
{
    Endpoints = [node],
    Key = Environment.GetEnvironmentVariable("BACKHAUL_KEY"),
    CallDeadline = TimeSpan.FromSeconds(15),
    AttemptTimeout = TimeSpan.FromSeconds(15),
});
try
{
    return await DownloadAsync(client.Session("quick-start"));
}
catch (BackhaulException refused)
{
    Console.Error.WriteLine(refused.Code == ClientCodes.Unreachable ? $"{node} does not answer; start a node with ./run first." : refused.Message);
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}

async Task<int> DownloadAsync(BackgroundSession session)
{
    // The session lives in the cluster under its identifier. A second run finds it again, with what happened meanwhile.
    var view = await session.CreateOrAttachAsync(stop: stop.Token);
    Console.WriteLine($"Session {view.Identifier}: {(view.Created == true ? "created" : "attached")}; {view.LastEvent - view.Acknowledged} events to read.");

    // Once this has returned the task is durable: it reaches exactly one final state, whatever happens to us or to the node.
    var task = await session.AddTaskAsync(
        new TaskRequest
        {
            Kind = "download",
            Url = url,
            Destination = FileReference.Parse($"default/quick-start/{DateTime.UtcNow:yyyyMMdd-HHmmss-fff}"),
        },
        stop: stop.Token);
    Console.WriteLine($"Task {task.Id}: {task.State}");

    var options = new EventStreamOptions
    {
        Progress = moved => Console.WriteLine($"      {moved.Task,-10} {moved.Progress.BytesReceived:N0} of {moved.Progress.TotalToReceive?.ToString("N0") ?? "?"} bytes"),
        Interrupted = lost => Console.WriteLine($"      {lost.Reason} Connecting again in {lost.Wait.TotalSeconds:0.0} s."),
    };
    await foreach (var next in session.ReadEventsAsync(view.Acknowledged, options, stop.Token))
    {
        Console.WriteLine($"{next.Number,5} {next.Task,-10} {next.Type} {next.Data}");
        await session.AcknowledgeAsync(next.Number, stop: stop.Token);   // handled: it is not delivered again
        if (next.Type == EventTypes.TaskCompleted && next.Task == task.Id)
            break;
    }

    var ended = await session.GetTaskAsync(task.Id, stop.Token);
    if (ended.File is not { } file)
    {
        Console.WriteLine($"{ended.Outcome}: {ended.Error?.Message}");
        return 1;
    }
    var head = await client.Files.HeadAsync(FileReference.Parse($"{file.Container}/{file.Path}"), stop.Token);
    Console.WriteLine($"{ended.Outcome}: {head?.Length:N0} bytes at {new Uri(node, $"v1/files/{file.Container}/{file.Path}")}");
    return 0;
}
