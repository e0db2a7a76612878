using System.Security.Cryptography;
using Backhaul.FaultOrigin;
using Backhaul.Node.Actors;
using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>The engine on the real disk: what the parts in memory only promise.</summary>
public sealed class DiskDownloadTests : IAsyncLifetime
{
    private const long Length = 20_000_003;

    private readonly string _root = Directory.CreateTempSubdirectory("backhaul-transfers-").FullName;
    private readonly FileThreads _work = new(4);
    private ScriptedOrigin _origin = null!;
    private OutboundClients _clients = null!;
    private DiskContainers _containers = null!;
    private AttemptRunner _runner = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await ScriptedOrigin.StartAsync();
        _clients = new OutboundClients(AttemptBench.LoopbackAllowed, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance);
        var table = ContainerTable.Read(new ConfigurationBuilder().Build(), _root, out var errors);
        Assert.Empty(errors);
        _containers = DiskContainers.Open(
            table, _work, new LinuxDiskCalls(), new CrashPoints(new FaultOptions(), NullLogger<CrashPoints>.Instance), new NewIds(),
            TimeProvider.System, NullLogger<DiskContainers>.Instance);
        _runner = new AttemptRunner(_clients, new DiskPartFiles(_containers, _work, new FilesOptions()), _work, AttemptBench.Quick, TimeProvider.System,
            new Governor(AttemptBench.Quick, TimeProvider.System));
    }

    public async ValueTask DisposeAsync()
    {
        _clients.Dispose();
        _containers.Dispose();
        _work.Dispose();
        await _origin.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task A_download_breaks_goes_on_under_a_new_owner_is_published_and_recognised_after_a_crash()
    {
        var url = _origin.Bytes("seed", Length);
        var reports = new RecordedReports();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await RunAsync(Order(url + "?cut=9000000"), reports));
        Assert.Equal(TransferCodes.Truncated, failed.Failure.Code);
        Assert.Equal(9_000_000, reports.Last!.Bytes);

        var second = new RecordedReports();
        var order = Order(url) with { Resume = reports.Last, Epoch = 2, Attempt = 2, Sha256 = OriginContent.Sha256("seed", Length) };
        var finished = Assert.IsType<AttemptOutcome.Finished>(await RunAsync(order, second));
        Assert.Equal("bytes=9000000-", _origin.Requests[1].Range);
        Assert.Equal(OriginContent.Sha256("seed", Length), await Sha256Async());

        // The completion was never committed: the next owner gets the complete checkpoint.
        Assert.True(second.Last!.Complete);
        var again = Assert.IsType<AttemptOutcome.Finished>(await RunAsync(order with { Resume = second.Last, Epoch = 3, Attempt = 3 }, new RecordedReports()));
        Assert.Equal(finished.File, again.File);
        Assert.Equal(2, _origin.Requests.Count);
        await _runner.DiscardAsync(order.Files, order.Epoch, resultToo: false);
        Assert.Single(Directory.GetFiles(_root, "b.bin", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(100_000)]
    public async Task Files_of_every_size_are_published(long length)
    {
        Assert.IsType<AttemptOutcome.Finished>(await RunAsync(Order(_origin.Bytes("seed", length)), new RecordedReports()));
        Assert.Equal(OriginContent.Sha256("seed", length), await Sha256Async());
    }

    [Fact]
    public async Task An_upload_sends_a_file_of_the_container()
    {
        await RunAsync(Order(_origin.Bytes("seed", 3_000_000)), new RecordedReports());
        var upload = Order($"{_origin.Url}/upload/a") with
        {
            Kind = TaskKind.Upload,
            Method = "PUT",
            Source = new FileReference(null, ContainerPath.Parse("a/b.bin")),
        };
        Assert.IsType<AttemptOutcome.Finished>(await RunAsync(upload, new RecordedReports()));
        Assert.Equal(OriginContent.Sha256("seed", 3_000_000), _origin.Requests[^1].BodySha256);
    }

    [Fact]
    public async Task A_file_that_is_fetched_again_and_has_not_changed_is_left_as_it_is_until_somebody_writes_to_it()
    {
        var order = Order(_origin.Bytes("seed", 3000)) with { IsRepeated = true };
        var first = Assert.IsType<AttemptOutcome.Finished>(await RunAsync(order, new RecordedReports()));
        var file = Assert.Single(Directory.GetFiles(_root, "b.bin", SearchOption.AllDirectories));
        var again = Assert.IsType<AttemptOutcome.Finished>(await RunAsync(order with { Fetched = first.Fetched }, new RecordedReports()));
        Assert.Equal((true, first.Fetched), (again.IsUnchanged, again.Fetched));
        Assert.Equal([200, 304], _origin.Requests.Select(request => request.Status));

        await File.AppendAllTextAsync(file, "more", TestContext.Current.CancellationToken);
        var third = Assert.IsType<AttemptOutcome.Finished>(await RunAsync(order with { Fetched = again.Fetched }, new RecordedReports()));
        Assert.False(third.IsUnchanged);
        Assert.Equal((200, null), (_origin.Requests[2].Status, _origin.Requests[2].IfNoneMatch));
        Assert.Equal(OriginContent.Sha256("seed", 3000), await Sha256Async());
    }

    private Task<AttemptOutcome> RunAsync(AttemptOrder order, RecordedReports reports) =>
        _runner.RunAsync(order, reports, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

    private async Task<string> Sha256Async()
    {
        var file = Assert.Single(Directory.GetFiles(_root, "b.bin", SearchOption.AllDirectories));
        await using var content = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, TestContext.Current.CancellationToken));
    }

    private static AttemptOrder Order(string url) => new()
    {
        Files = new TaskFiles(SessionKey.Parse("default/disk"), 1, TaskId.Parse("t1"), ContainerName.Default, ContainerPath.Parse("a/b.bin")),
        Kind = TaskKind.Download,
        Attempt = 1,
        Epoch = 1,
        Trust = new AttemptBench.SwitchedTrust(),
        Url = url,
        Method = "GET",
        Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase),
        IdleTimeout = TimeSpan.FromSeconds(20),
        AcceptStatus = [],
        RetryStatuses = [],
    };

    private sealed class NewIds : IIdSource
    {
        public Guid Next() => Guid.NewGuid();
    }
}
