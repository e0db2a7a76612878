// A client that tests kill: it hands over its tasks, and writes each event down before it is acknowledged.
// Usage: Backhaul.ClientPeer node session urls log [kill-itself-after-events [before|after writing]]
using System.Globalization;
using Backhaul.Client;
using Backhaul.ClientPeer;
using Backhaul.Protocol;

var urls = await File.ReadAllLinesAsync(args[2]);
using var client = new BackhaulClient(new Uri(args[0]));
var diesAfter = args.Length > 4 ? int.Parse(args[4], CultureInfo.InvariantCulture) : int.MaxValue;
using var log = new EventLog(args[3], urls.Length, diesAfter, isWrittenFirst: args.ElementAtOrDefault(5) != "before");

var attached = await client.CreateOrAttachAsync(args[1], new SessionConfiguration { MaxConnectionsPerHost = 16 }, log);
await using (attached)
{
    var session = attached.Session;
    // The same intent in each life: what was stored by a life before is not stored again.
    if (!CommandId.TryParse($"peer-{args[1]}", out var intent))
        return 2;
    await foreach (var chunk in session.AddTasksAsync(RequestsAsync(), intent))
        Console.WriteLine($"{chunk.From}: {chunk.Accepted} of {chunk.Count}");
    if (await session.GetAsync() is { } view && view.Acknowledged == view.LastEvent && view.Counts.Succeeded == urls.Length)
        return 0;   // a life before was killed between its last acknowledgement and its end
    await Task.WhenAny(log.Finished, attached.Completion);
}
await attached.Completion;
return 0;

async IAsyncEnumerable<TaskRequest> RequestsAsync()
{
    for (var index = 0; index < urls.Length; index++)
    {
        await Task.Yield();
        yield return new TaskRequest { Id = $"k-{index:0000}", Kind = "download", Url = urls[index], Destination = FileReference.Parse($"default/peer/{index:0000}.bin") };
    }
}
