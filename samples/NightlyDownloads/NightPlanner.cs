using System.Text;
using Backhaul.Client;
using Backhaul.Protocol;

namespace Backhaul.Samples.NightlyDownloads;

/// <summary>Hands the next night over, when the service starts and when a night is over. Its tasks have ids of their night: planning it again adds nothing.</summary>
internal sealed class NightPlanner(BackhaulClient client, NightlyOptions options, TimeProvider time) : BackgroundService
{
    public const string Session = "nightly";

    public async Task PlanAsync(CancellationToken stop)
    {
        var now = time.GetUtcNow();
        var night = options.At is { } at ? NextAfter(now, at) : now;
        var results = await client.Session(Session).AddTasksAsync([.. options.Urls.Select((url, index) => new TaskRequest
        {
            Id = $"{night:yyyy-MM-dd}-{index}",
            Kind = "download",
            Url = url.AbsoluteUri,
            Destination = FileReference.Parse($"default/nightly/{night:yyyy-MM-dd}/{index}"),
            EarliestBeginAt = options.At is null ? null : night,
        })], stop: stop);
        if (results.FirstOrDefault(result => result.Error is not null) is { Error: { } error })
            throw new InvalidOperationException($"The night of {night:yyyy-MM-dd} cannot be planned: {error.Message}");
    }

    public async Task<string> DescribeAsync(CancellationToken stop)
    {
        var text = new StringBuilder();
        await foreach (var task in client.Session(Session).GetAllTasksAsync(stop))
            text.AppendLine($"{task.Id} {task.State} {task.Reason} {task.EarliestBeginAt:u} {task.Url}");
        return text.Length > 0 ? text.ToString() : "Nothing is planned.\n";
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await client.Session(Session).CreateOrAttachAsync(options.Configuration, stoppingToken);
        await PlanAsync(stoppingToken);
    }

    private static DateTimeOffset NextAfter(DateTimeOffset now, TimeOnly at)
    {
        var today = new DateTimeOffset(now.UtcDateTime.Date + at.ToTimeSpan(), TimeSpan.Zero);
        return today > now ? today : today.AddDays(1);
    }
}
