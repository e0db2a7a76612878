using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sweeping;

/// <summary>Random histories of sessions, crashes, lost clean-ups and sweeps: what is referred to never goes, and what is not goes in the end.</summary>
public sealed class SweepHistoriesTests
{
    private static readonly SessionKey[] Keys = [SessionWorld.Key, SessionKey.Parse("acme/other"), SessionKey.Parse("zoo/third")];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Nothing_referenced_goes_and_everything_unreferenced_goes_in_the_end(int seed) => Play(seed, asksNobody: false);

    [Fact]
    public void Without_asking_the_sessions_what_they_refer_to_goes()
    {
        var caught = Enumerable.Range(1, 8).Count(seed =>
        {
            var failure = Record.Exception(() => Play(seed, asksNobody: true));
            return failure?.InnerException is Xunit.Sdk.XunitException;
        });
        Assert.True(caught > 0, "A sweeper that asks nobody did no harm.");
    }

    private static void Play(int seed, bool asksNobody)
    {
        using var world = new SweepWorld(seed) { AsksNobody = asksNobody };
        var random = new Random(seed + 1000);
        world.Sessions.Run(async () =>
        {
            await world.StartAsync(Keys);
            foreach (var key in Keys)
                await world.AskAsync(key, new SessionCommand.Open(null));
            for (var step = 0; step < 120; step++)
                await StepAsync(world, random);
            await SweepAsync(world);
            await EndAsync(world);
        });
    }

    private static async Task StepAsync(SweepWorld world, Random random)
    {
        var key = Keys[random.Next(Keys.Length)];
        switch (random.Next(12))
        {
            case 0 or 1 or 2 or 3:
                var spec = SessionHarness.Download(url: $"https://origin{random.Next(9)}.example/{random.Next()}");
                await world.AskAsync(key, new SessionCommand.AddTask(
                    random.Next(3) == 0 ? spec with { Destination = new FileReference(null, ContainerPath.Parse($"out/{random.Next(1_000_000)}")) } : spec));
                break;
            case 4:
                await world.AskAsync(key, new SessionCommand.CancelTask(TaskId.FromOrdinal(random.Next(1, 30))));
                break;
            case 5:
                var last = (await world.AskAsync(key, new SessionCommand.Describe(), ProtocolJson.Default.SessionView)).LastEvent;
                await world.AskAsync(key, new SessionCommand.Acknowledge(random.NextInt64(last + 1)));
                break;
            case 6:
                await world.StartAsync(Keys);
                break;
            case 7 when random.Next(3) == 0:
                await world.AskAsync(key, new SessionCommand.End(EndMode.Cancel));
                await world.Sessions.UntilAsync(async () => await world.AskAsync(key, new SessionCommand.Open(null)) is CommandReply.Done);
                break;
            case 8:
                await SweepAsync(world);
                break;
            case 9:
                await Task.Delay(TimeSpan.FromMinutes(random.Next(1, 90)), world.Time);
                break;
            default:
                world.Go();
                await Task.Delay(TimeSpan.FromSeconds(5), world.Time);
                break;
        }
    }

    /// <summary>Whatever a live task had is there afterwards, and every result that nobody acknowledged.</summary>
    private static async Task SweepAsync(SweepWorld world)
    {
        var (live, results) = await ReferencedAsync(world);
        var withParts = live.Where(task => world.HasParts(task.Session, task.Generation, task.Task)).ToList();
        Assert.NotNull(await world.Sweeper.SweepAsync(ContainerName.Default, dryRun: false, TimeSpan.Zero, CancellationToken.None));
        Assert.All(withParts, task => Assert.True(world.HasParts(task.Session, task.Generation, task.Task), $"the part of {task} is gone"));
        Assert.All(results, result => Assert.Contains(result, world.Results));
    }

    private static async Task EndAsync(SweepWorld world)
    {
        world.Lost = 1; // whatever ends now leaves everything behind
        foreach (var key in Keys)
        {
            var view = await world.AskAsync(key, new SessionCommand.Describe(), ProtocolJson.Default.SessionView);
            await world.AskAsync(key, new SessionCommand.End(EndMode.ForceQuit));
            await world.Sessions.UntilAsync(async () => (await world.AskAsync(key, new SessionCommand.Describe(), ProtocolJson.Default.SessionView)).Counts is { Running: 0, Waiting: 0, Suspended: 0, Canceling: 0 });
        }
        await world.StartAsync(Keys);
        await Task.Delay(TimeSpan.FromHours(2), world.Time);
        world.Lost = 0; // and everybody answers
        var (live, results) = await ReferencedAsync(world);
        Assert.Empty(live);
        await world.Sweeper.SweepAsync(ContainerName.Default, dryRun: false, TimeSpan.Zero, CancellationToken.None);
        Assert.Empty(world.Parts);
        Assert.Equal(results.Order(StringComparer.Ordinal), world.Results.Order(StringComparer.Ordinal));

        world.Lost = 1;
        foreach (var key in Keys)
        {
            var view = await world.AskAsync(key, new SessionCommand.Describe(), ProtocolJson.Default.SessionView);
            await world.AskAsync(key, new SessionCommand.Acknowledge(view.LastEvent));
        }
        world.Lost = 0;
        await world.Sweeper.SweepAsync(ContainerName.Default, dryRun: false, TimeSpan.Zero, CancellationToken.None);
        Assert.Empty(world.Results);
    }

    /// <summary>By what clients see, and not by what the sweeper asks.</summary>
    private static async Task<(List<(SessionKey Session, int Generation, string Task)> Live, List<string> Results)> ReferencedAsync(SweepWorld world)
    {
        List<(SessionKey, int, string)> live = [];
        List<string> results = [];
        foreach (var key in Keys)
        {
            var view = await world.AskAsync(key, new SessionCommand.Describe(), ProtocolJson.Default.SessionView);
            var tasks = await world.AskAsync(key, new SessionCommand.ListTasks(null, null, 0, 10_000), ProtocolJson.Default.PageTaskView);
            live.AddRange(tasks.Items.Where(task => task.Outcome is null).Select(task => (key, view.Generation, task.Id)));
            var events = await world.AskAsync(key, new SessionCommand.ReadEvents(view.Acknowledged, 10_000), ProtocolJson.Default.EventPage);
            results.AddRange(events.Events
                .Where(happened => happened.Type == "taskCompleted" && happened.Data.TryGetProperty("file", out _))
                .Select(happened => happened.Data.GetProperty("file").GetProperty("path").GetString()!)
                .Where(path => path.StartsWith(ResultPath.Folder, StringComparison.Ordinal)).Select(path => path[(ResultPath.Folder.Length + 1)..]));
        }
        return (live, results);
    }
}
