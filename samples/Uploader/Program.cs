// Uploads files of this machine through the node that ./run started, each with a bar that grows.
// Usage: dotnet run --project samples/Uploader <folder-url> <file> [more files]      BACKHAUL_NODE says where the node is
using Backhaul.Client;
using Backhaul.Protocol;
using Backhaul.Samples.Uploader;

if (args.Length < 2 || !Uri.TryCreate(args[0].TrimEnd('/') + "/", UriKind.Absolute, out var target))
{
    Console.Error.WriteLine("Usage: uploader <folder-url> <file> [more files]");
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;   // what was handed over goes on without us
    stop.Cancel();
};
using var client = new BackhaulClient(new BackhaulClientOptions
{
    Endpoints = [new Uri(Environment.GetEnvironmentVariable("BACKHAUL_NODE") ?? "http://127.0.0.1:5080")],
    Key = Environment.GetEnvironmentVariable("BACKHAUL_KEY"),
    CallDeadline = TimeSpan.FromSeconds(15),
    AttemptTimeout = TimeSpan.FromSeconds(15),
});
try
{
    var session = client.Session("uploader");
    await session.CreateOrAttachAsync(stop: stop.Token);
    var unstaging = new Unstaging(client);
    await session.DrainAsync(unstaging, stop: stop.Token);   // what went on when an earlier run was stopped
    var bars = new Bars([.. args.Skip(1).Select(file => Path.GetFileName(file))]);
    var ends = await Task.WhenAll(args.Skip(1).Select((file, row) => UploadAsync(session, file, bars, row)));
    await session.DrainAsync(unstaging, stop: stop.Token);
    return ends.All(end => end.Outcome == "succeeded") ? 0 : 1;
}
catch (BackhaulException refused)
{
    Console.Error.WriteLine(refused.Message);
    return 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}

async Task<TaskView> UploadAsync(BackgroundSession session, string file, Bars bars, int row)
{
    // The bytes go to a container of the cluster first: from then on nobody needs this machine.
    var name = Path.GetFileName(file);
    var id = Guid.NewGuid().ToString("N");
    var staged = Unstaging.FileOf(id);
    await client.Files.UploadFileAsync(staged, file, stop.Token);

    // Created suspended, as every task; begun by ResumeAsync.
    var task = await session.CreateUploadTaskAsync(
        new Uri(target, Uri.EscapeDataString(name)), staged, new TaskRequest { Id = id, Method = "PUT", Description = file }, stop: stop.Token);
    await task.ResumeAsync(stop.Token);
    var end = await task.WaitForCompletionAsync(bars.Row(row), stop.Token);
    bars.End(row, end);
    return end;
}
