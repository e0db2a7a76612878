using System.Security.Cryptography;
using Backhaul.FaultOrigin;
using Backhaul.Node.Actors;
using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Origin.Tests;

/// <summary>
/// The transfer engine as a node puts it together, in this process: the real outbound connections, the real runner, real containers in a
/// temporary folder. The only thing that may be replaced is a call of the disk, so that it can refuse.
/// </summary>
internal sealed class Engine : IAsyncDisposable
{
    private static readonly TimeSpan AttemptWithin = TimeSpan.FromSeconds(60);

    private readonly FileThreads _work = new(4);
    private readonly OutboundClients _clients;
    private readonly DiskContainers _containers;
    private readonly Governor _governor;

    private Engine(TransferOptions options, EgressOptions egress, IDiskCalls disk)
    {
        _governor = new Governor(options, TimeProvider.System);
        Disk = new RecordingDisk(disk);
        _clients = new OutboundClients(egress, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance, box: new SecretBox([new byte[SecretBox.KeyBytes]]));
        var table = ContainerTable.Read(new ConfigurationBuilder().Build(), Root, out var errors);
        Assert.Empty(errors);
        _containers = DiskContainers.Open(
            table, _work, Disk, new CrashPoints(new FaultOptions(), NullLogger<CrashPoints>.Instance), new NewIds(), TimeProvider.System,
            NullLogger<DiskContainers>.Instance);
        Runner = new AttemptRunner(_clients, new DiskPartFiles(_containers, _work, new FilesOptions()), _work, options, TimeProvider.System, _governor);
    }

    /// <summary>Small numbers, so that a megabyte has many chunks and checkpoints come often.</summary>
    public static TransferOptions Quick { get; } = new()
    {
        ChunkBytes = 64 * 1024,
        CheckpointInterval = TimeSpan.FromMilliseconds(20),
        SmallFileBytesMax = 0,
        RespondAfter = TimeSpan.FromMilliseconds(50),
        AnswerGrace = TimeSpan.FromMilliseconds(200),
    };

    public static EgressOptions LoopbackAllowed { get; } = new()
    {
        Allow = ["127.0.0.0/8", "localhost"],
        ConnectTimeout = TimeSpan.FromSeconds(5), // a busy machine shakes hands slowly
    };

    /// <summary>Where its containers lie.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("backhaul-origin-").FullName;

    public RecordingDisk Disk { get; }

    public AttemptRunner Runner { get; }

    public static Engine Start(TransferOptions? options = null, EgressOptions? egress = null, IDiskCalls? disk = null) =>
        new(options ?? Quick, egress ?? LoopbackAllowed, disk ?? new LinuxDiskCalls());

    /// <summary>A download of a task of its own, to <c>{task}.bin</c> of the default container.</summary>
    public static AttemptOrder Download(string task, string url) => new()
    {
        Files = new TaskFiles(
            SessionKey.Parse("default/origin"), 1, TaskId.Parse(task), ContainerName.Default, ContainerPath.Parse($"{task}.bin")),
        Kind = TaskKind.Download,
        Attempt = 1,
        Epoch = 1,
        Trust = new Trusted(),
        Url = url,
        Method = "GET",
        Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase),
        IdleTimeout = TimeSpan.FromSeconds(20),
        AcceptStatus = [],
        RetryStatuses = [408, 425, 429, 500, 502, 503, 504],
    };

    public Task<AttemptOutcome> RunAsync(AttemptOrder order, RecordedReports? reports = null) =>
        Runner.RunAsync(order, reports ?? new RecordedReports(), CancellationToken.None).WaitAsync(AttemptWithin, TestContext.Current.CancellationToken);

    /// <summary>The published file of a task; null when there is none.</summary>
    public string? FileOf(string task) =>
        Directory.EnumerateFiles(Root, $"{task}.bin", SearchOption.AllDirectories).SingleOrDefault();

    /// <summary>Asserts that a task's file is what the origin has under that seed.</summary>
    public async Task AssertFileAsync(string task, string seed, long length)
    {
        var path = FileOf(task);
        Assert.NotNull(path);
        await using var content = File.OpenRead(path);
        Assert.Equal(length, content.Length);
        Assert.Equal(OriginContent.Sha256(seed, length), Convert.ToHexStringLower(await SHA256.HashDataAsync(content, TestContext.Current.CancellationToken)));
    }

    public async ValueTask DisposeAsync()
    {
        _clients.Dispose();
        _governor.Dispose();
        _containers.Dispose();
        _work.Dispose();
        await Task.Run(() => Directory.Delete(Root, recursive: true));
    }

    private sealed class Trusted : ITrust
    {
        public bool MayAct => true;
    }

    private sealed class NewIds : IIdSource
    {
        public Guid Next() => Guid.NewGuid();
    }
}
