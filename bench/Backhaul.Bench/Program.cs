using Backhaul.Bench;

if (args is [HttpClientLoop.Verb, .. var loop])
    return await HttpClientLoop.RunAsync(loop);
if (args.Contains("--help"))
{
    Console.WriteLine(BenchSettings.Usage);
    return 0;
}
if (BenchSettings.Parse(args) is not { } settings)
{
    await Console.Error.WriteLineAsync(BenchSettings.Usage);
    return 2;
}
using var work = new WorkFolder(settings.Folder);
await using var nginx = await Nginx.StartAsync(work);
await using var postgres = settings.Runs("small") || settings.Runs("many") ? await PostgresServer.StartAsync(work) : null;
var report = new Report(settings);
if (settings.Runs("large"))
    await Scenarios.LargeAsync(settings, work, nginx, report);
if (settings.Runs("medium"))
    await Scenarios.MediumAsync(settings, work, nginx, report);
if (settings.Runs("small"))
    await Scenarios.SmallAsync(settings, work, nginx, postgres!, report);
if (settings.Runs("many"))
    await SlowDownloads.RunAsync(settings, work, nginx, postgres!, report);
if (settings.Runs("queue"))
    await QueuedTasks.RunAsync(settings, work, nginx, report);
report.Write();
return 0;
