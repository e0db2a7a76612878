using System.Globalization;
using Backhaul.FaultOrigin;

var port = 0;
for (var i = 0; i < args.Length; i++)
{
    if (args[i] == "--port" && i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out port))
    {
        i++;
        continue;
    }
    Console.Error.WriteLine("Usage: FaultOrigin [--port N]   (0 picks a free port; what it serves is described at OriginScript)");
    return 64;
}

await using var origin = await ScriptedOrigin.StartAsync(port);
Console.WriteLine($"Listening on {origin.Url}");
Console.WriteLine($"  curl -o a.bin '{origin.Url}/bytes/any-seed/1000000'       curl '{origin.Url}/-/journal'");
var stopped = new TaskCompletionSource();
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = true;
    stopped.TrySetResult();
};
AppDomain.CurrentDomain.ProcessExit += (_, _) => stopped.TrySetResult();
await stopped.Task;
return 0;
