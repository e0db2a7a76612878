using System.Security.Cryptography;
using System.Text;
using Backhaul.Client;
using Backhaul.Protocol;

namespace Backhaul.Samples.NightlyDownloads;

/// <summary>
/// Hands the next night over, when the service starts and when a night is over. Its tasks have ids of their night and URL: planning it again adds nothing, and a URL
/// that was configured meanwhile is added to the others. A night of which nothing is taken has no end that would lead to the next one: it is planned again until it is.
/// </summary>
internal sealed partial class NightPlanner(BackhaulClient client, NightlyOptions options, TimeProvider time, ILogger<NightPlanner> logger) : BackgroundService
{
    public const string Session = "nightly";

    /// <summary>Then what a night does not get is given up, so that it is over before the next one.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromHours(20);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PauseWhenRefused = TimeSpan.FromMinutes(10);

    /// <exception cref="NightRefusedException">Nothing of the night is planned.</exception>
    public async Task PlanAsync(CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var night = options.At is { } at ? NextAfter(now, at) : now;
        var urls = options.Urls.Distinct().ToList();
        var results = await client.Session(Session).AddTasksAsync([.. urls.Select(url => Download(url, night))], stop: stop);
        foreach (var result in results)
        {
            if (result.Error is { } refused)
                NotPlanned(urls[(int)result.Index], $"{night:yyyy-MM-dd}", refused.Message);
        }
        if (results.All(result => result.Error is not null))
            throw new NightRefusedException($"All {urls.Count} downloads of the night {night:yyyy-MM-dd} were refused; the last one: {results[^1].Error?.Message}");
    }

    public async Task<string> DescribeAsync(CancellationToken stop)
    {
        var text = new StringBuilder();
        await foreach (var task in client.Session(Session).GetAllTasksAsync(stop))
            text.AppendLine($"{task.Id} {task.State} {task.Reason} {task.EarliestBeginAt:u} {task.Url}");
        return text.Length > 0 ? text.ToString() : "Nothing is planned.\n";
    }

    /// <summary>The cluster may be away while this service starts.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            TimeSpan wait;
            try
            {
                await client.Session(Session).CreateOrAttachAsync(options.Configuration, stoppingToken);
                await PlanAsync(stoppingToken);
                return;
            }
            catch (BackhaulException failed)
            {
                wait = Pause;
                NothingPlanned(wait, failed);
            }
            catch (NightRefusedException refused)
            {
                wait = PauseWhenRefused;
                NothingPlanned(wait, refused);
            }
            await Task.Delay(wait, time, stoppingToken);
        }
    }

    private TaskRequest Download(Uri url, DateTimeOffset night)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(url.AbsoluteUri)))[..16];
        return new TaskRequest
        {
            Id = $"{night:yyyy-MM-dd}-{name}",
            Kind = "download",
            Url = url.AbsoluteUri,
            Destination = FileReference.Parse($"default/nightly/{night:yyyy-MM-dd}/{name}"),
            EarliestBeginAt = options.At is null ? null : night,
            Deadline = (options.At is null ? new DateTimeOffset(night.UtcDateTime.Date.AddDays(1), TimeSpan.Zero) : night) + Patience,
        };
    }

    private static DateTimeOffset NextAfter(DateTimeOffset now, TimeOnly at)
    {
        var today = new DateTimeOffset(now.UtcDateTime.Date + at.ToTimeSpan(), TimeSpan.Zero);
        return today > now ? today : today.AddDays(1);
    }

    [LoggerMessage(3, LogLevel.Error, "{Url} of the night {Night} is not planned: {Why}")]
    private partial void NotPlanned(Uri url, string night, string why);

    [LoggerMessage(4, LogLevel.Warning, "Nothing is planned yet; again in {Wait}.")]
    private partial void NothingPlanned(TimeSpan wait, Exception why);
}
