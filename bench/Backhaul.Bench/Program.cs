using Backhaul.Bench;

var settings = BenchSettings.Parse(args);
if (settings is null)
{
    await Console.Error.WriteLineAsync("usage: bench/side-by-side [small|large|queue ...] [--rounds 5] [--folder /var/tmp]");
    return 2;
}
using var work = new WorkFolder(settings.Folder);
await using var nginx = await Nginx.StartAsync(work);
var report = new Report(settings);
if (settings.Runs("small"))
    await SmallFiles.RunAsync(settings, work, nginx, report);
if (settings.Runs("large"))
    await LargeFile.RunAsync(settings, work, nginx, report);
if (settings.Runs("queue"))
    await QueuedTasks.RunAsync(settings, work, nginx, report);
report.Write();
return 0;
