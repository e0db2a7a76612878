using Quartz;

namespace Backhaul.QuartzJob;

/// <summary>One file. The job's data says what and where to.</summary>
internal sealed class DownloadJob : IJob
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false });
    private static readonly TaskCompletionSource Done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private static int _left;
    private static int _failed;

    public static Task AllDone => Done.Task;

    public static int Failed => Volatile.Read(ref _failed);

    public static void Expect(int jobs) => _left = jobs;

    public static IJobDetail Of(string url, string folder)
    {
        var name = url[(url.LastIndexOf('/') + 1)..];
        return JobBuilder.Create<DownloadJob>().WithIdentity(name).UsingJobData("url", url).UsingJobData("path", Path.Combine(folder, name)).Build();
    }

    public static IReadOnlyCollection<ITrigger> Now(string url) => [TriggerBuilder.Create().WithIdentity(url).StartNow().Build()];

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using var response = await Http.GetAsync(
                new Uri(context.MergedJobDataMap.GetString("url")!), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            response.EnsureSuccessStatusCode();
            await using var file = File.Create(context.MergedJobDataMap.GetString("path")!);
            await response.Content.CopyToAsync(file, cancellationToken);
        }
        catch (Exception broken)
        {
            Interlocked.Increment(ref _failed);
            throw new JobExecutionException(broken);
        }
        finally
        {
            if (Interlocked.Decrement(ref _left) == 0)
                Done.SetResult();
        }
    }
}
