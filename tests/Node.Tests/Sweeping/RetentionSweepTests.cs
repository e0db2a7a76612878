using System.Text;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sweeping;
using Backhaul.Node.Tests.Sessions;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Sweeping;

public sealed class RetentionSweepTests
{
    private static readonly SessionKey Key = SessionWorld.Key;

    [Fact]
    public void A_file_goes_when_its_retention_ends_and_only_if_it_is_still_that_file()
    {
        using var world = new SweepWorld(3) { Lost = 0 };
        world.Sessions.Run(async () =>
        {
            await world.StartAsync(Key);
            await world.AskAsync(Key, new SessionCommand.Open(new SessionConfiguration { FileRetention = TimeSpan.FromHours(1) }));
            foreach (var path in (string[])["out/kept", "out/replaced", "out/gone"])
                await world.AskAsync(Key, new SessionCommand.AddTask(SessionHarness.Download() with { Destination = new FileReference(null, ContainerPath.Parse(path)) }));
            await world.AskAsync(Key, new SessionCommand.AddTask(SessionHarness.Download())); // a temporary file knows no retention
            await world.Sessions.UntilAsync(async () =>
            {
                world.Go();
                return (await world.AskAsync(Key, new SessionCommand.Describe(), ProtocolJson.Default.SessionView)).Counts is { Running: 0, Waiting: 0 };
            });
            var done = (await world.AskAsync(Key, new SessionCommand.ListTasks("succeeded", null, 0, 10), ProtocolJson.Default.PageTaskView)).Items
                .Select(task => task.Destination?.Path.ToString()).OfType<string>().ToList();
            Assert.All(done, path => Assert.True(ExistsAsync(world, path).Result));
            if (done.Contains("out/replaced"))
                await StageAsync(world, "out/replaced");

            var retention = new RetentionSweep(
                world.Sessions.Store, () => [world.Sessions.Holder.Current!.Value], world.Containers, world.Time, NullLogger<RetentionSweep>.Instance);
            Assert.Equal(0, await retention.RunAsync(CancellationToken.None));
            await Task.Delay(TimeSpan.FromHours(2), world.Time);
            await world.StartAsync(Key); // what is due is in the journal
            Assert.Equal(done.Count(path => path != "out/replaced"), await retention.RunAsync(CancellationToken.None));
            foreach (var path in done)
                Assert.Equal(path == "out/replaced", await ExistsAsync(world, path));
            Assert.Equal(0, await retention.RunAsync(CancellationToken.None));
            Assert.Empty(await world.Sessions.Store.ListExpiredFilesAsync([world.Sessions.Holder.Current!.Value], world.Time.GetUtcNow(), 10, CancellationToken.None));
        });
    }

    private static async Task<bool> ExistsAsync(SweepWorld world, string path)
    {
        await using var file = await world.Containers.OpenReadAsync(Key.Tenant, ContainerName.Default, ContainerPath.Parse(path), CancellationToken.None);
        return file is not null;
    }

    private static async Task StageAsync(SweepWorld world, string path) => await world.Containers.StageAsync(
        Key.Tenant, ContainerName.Default, ContainerPath.Parse(path), new MemoryStream(Encoding.UTF8.GetBytes("another")), 7, 100, null, CancellationToken.None);
}
