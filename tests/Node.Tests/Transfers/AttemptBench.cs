using Backhaul.FaultOrigin;
using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Downloads;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>An origin, parts in memory and a runner: everything an attempt needs, and the real thing wherever that is possible.</summary>
internal sealed class AttemptBench : IAsyncDisposable
{
    private readonly OutboundClients _clients;

    private AttemptBench(ScriptedOrigin origin, TransferOptions options, EgressOptions egress, SecretTable? secrets, ResumeJudge? judge, SecretBox? box)
    {
        Origin = origin;
        Governor = new Governor(options, TimeProvider.System);
        _clients = new OutboundClients(egress, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance, secrets, box ?? new SecretBox([new byte[SecretBox.KeyBytes]]));
        Runner = new AttemptRunner(_clients, Parts, new InlineFileWork(), options, TimeProvider.System, Governor, judge);
    }

    public static EgressOptions LoopbackAllowed { get; } = new() { Allow = ["127.0.0.1", "localhost"] };

    /// <summary>Small numbers, so that a megabyte has many chunks and checkpoints come often.</summary>
    public static TransferOptions Quick { get; } = new()
    {
        ChunkBytes = 64 * 1024,
        CheckpointInterval = TimeSpan.FromMilliseconds(10),
        SmallFileBytesMax = 4096,
        RespondAfter = TimeSpan.FromMilliseconds(50),
        AnswerGrace = TimeSpan.FromMilliseconds(200),
    };

    public ScriptedOrigin Origin { get; }
    public MemoryPartFiles Parts { get; } = new();
    public AttemptRunner Runner { get; }
    public Governor Governor { get; }
    public SwitchedTrust Trust { get; } = new();
    public TaskFiles Files { get; } = new(
        SessionKey.Parse("default/tests"), 1, TaskId.Parse("t1"), ContainerName.Default, ContainerPath.Parse("a/b.bin"));

    public static async Task<AttemptBench> StartAsync(
        TransferOptions? options = null, EgressOptions? egress = null, SecretTable? secrets = null, bool tls = false, ResumeJudge? judge = null, SecretBox? box = null) =>
        new(await ScriptedOrigin.StartAsync(tlsPort: tls ? 0 : null), options ?? Quick, egress ?? LoopbackAllowed, secrets, judge, box);

    /// <summary>What a part of the engine works with, for tests of that part alone.</summary>
    public TransferServices Services(TransferOptions options) => new(
        _clients, new RequestSender(_clients, options, Governor.Gates, TimeProvider.System), Parts, new InlineFileWork(), options, TimeProvider.System,
        Governor.Slots, Governor.Paces, Governor.Gates);

    public AttemptOrder Download(string url, PartCheckpoint? resume = null) => new()
    {
        Files = Files,
        Kind = TaskKind.Download,
        Attempt = 1,
        Epoch = 1,
        Trust = Trust,
        Url = url,
        Method = "GET",
        Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase),
        IdleTimeout = TimeSpan.FromSeconds(20),
        AcceptStatus = [],
        RetryStatuses = [408, 425, 429, 500, 502, 503, 504],
        Resume = resume,
    };

    public AttemptOrder Upload(string method, string query, byte[] body)
    {
        Parts.Sources["up.bin"] = body;
        return Download($"{Origin.Url}/upload/a?{query}") with
        {
            Kind = TaskKind.Upload,
            Method = method,
            Source = new FileReference(null, ContainerPath.Parse("up.bin")),
        };
    }

    public Task<AttemptOutcome> RunAsync(AttemptOrder order, RecordedReports? reports = null) =>
        RunStoppableAsync(order, reports ?? new RecordedReports(), CancellationToken.None);

    public Task<AttemptOutcome> RunStoppableAsync(AttemptOrder order, RecordedReports reports, CancellationToken stop) =>
        Runner.RunAsync(order, reports, stop).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    /// <summary>Downloads the first <paramref name="bytes"/> and breaks there, so that a test can go on from a real checkpoint.</summary>
    public async Task<PartCheckpoint> BreakAfterAsync(string url, long bytes, AttemptOrder? order = null)
    {
        var reports = new RecordedReports();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await RunAsync((order ?? Download(url)) with { Url = url + (url.Contains('?') ? "&" : "?") + $"cut={bytes}" }, reports));
        Assert.Equal(TransferCodes.Truncated, failed.Failure.Code);
        Assert.NotNull(reports.Last);
        return reports.Last;
    }

    public async ValueTask DisposeAsync()
    {
        _clients.Dispose();
        Governor.Dispose();
        await Origin.DisposeAsync();
    }

    internal sealed class SwitchedTrust : ITrust
    {
        private volatile bool _mayAct = true;

        public bool MayAct
        {
            get => _mayAct;
            set => _mayAct = value;
        }
    }

    private sealed class InlineFileWork : IFileWork
    {
        public ValueTask<TResult> RunAsync<TState, TResult>(Func<TState, TResult> work, TState state) => new(Task.Run(() => work(state)));
    }
}
