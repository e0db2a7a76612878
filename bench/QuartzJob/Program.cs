using System.Diagnostics;
using System.Globalization;
using Backhaul.QuartzJob;
using Quartz;

// What a .NET team would write with Quartz.NET and its PostgreSQL job store: a durable job for each file, scheduled in bulk, run by a pool
// of workers, downloaded with one shared HttpClient. The file is not flushed, and nothing is kept of how it ended.
// Prints the seconds from the first call of the scheduler to the end of the last job, and the CPU seconds of this process in that time.
if (args.Length != 5)
{
    await Console.Error.WriteLineAsync("usage: Backhaul.QuartzJob CONNECTION URLS-FILE FOLDER WORKERS BULK");
    return 2;
}
var (connection, urls, folder) = (args[0], await File.ReadAllLinesAsync(args[1]), args[2]);
var (workers, bulk) = (int.Parse(args[3], CultureInfo.InvariantCulture), int.Parse(args[4], CultureInfo.InvariantCulture));
var scheduler = await QuartzSchedulerBuilder.Create(quartz =>
{
    // As many triggers at a time as there are workers, which its documentation recommends for many short jobs.
    quartz.ConfigureScheduler(options => options.MaxBatchSize = workers);
    quartz.UseDefaultThreadPool(workers);
    quartz.UsePersistentStore(store =>
    {
        store.UsePostgres(connection);
        store.ProvisionSchema();
    });
}).BuildScheduler();
await scheduler.Start();
DownloadJob.Expect(urls.Length);

var processor = Process.GetCurrentProcess().TotalProcessorTime;
var started = Stopwatch.GetTimestamp();
foreach (var chunk in urls.Chunk(bulk))
    await scheduler.ScheduleJobs(chunk.ToDictionary(url => DownloadJob.Of(url, folder), DownloadJob.Now), new ScheduleJobOptions(), CancellationToken.None);
await DownloadJob.AllDone;
var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
var used = (Process.GetCurrentProcess().TotalProcessorTime - processor).TotalSeconds;
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{seconds:0.000} {used:0.000}"));
await scheduler.Shutdown();
return DownloadJob.Failed == 0 ? 0 : 1;
