using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Actors;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sweeping;
using Backhaul.Node.Tests.Files;
using Backhaul.Node.Tests.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Sweeping;

/// <summary>Sessions in virtual time over a container on the real disk, whose attempts write real files and lose their clean-ups now and then, and a sweeper.</summary>
internal sealed class SweepWorld : IAttemptRunner, IDisposable
{
    private readonly TempFolder _root = new();
    private readonly Random _random;
    private readonly DiskPartFiles _parts;
    private readonly List<Attempt> _attempts = [];

    public SweepWorld(int seed)
    {
        _random = new Random(seed);
        Sessions = new SessionWorld { Engine = _ => this, Options = new SessionOptions { IdleBeforePassivation = TimeSpan.FromDays(1000) } };
        var table = new ContainerTable(new Dictionary<ContainerName, ContainerOptions> { [ContainerName.Default] = new() { Path = _root.Path } });
        var work = new InlineWork();
        Containers = DiskContainers.Open(
            table, work, new DatedDisk(new LinuxDiskCalls(), Time), new NoCrashPoints(), new SeededIds(_random), Time, NullLogger<DiskContainers>.Instance);
        _parts = new DiskPartFiles(Containers, work, new FilesOptions { DirectWrites = false });
        Sweeper = new Sweeper(
            new DiskLeftovers(Containers, table, new FilesOptions(), work, Time), new ReferenceFinder(Sessions.Store, new WorldRouter(this)), new SweeperOptions(), Time,
            NullLogger<Sweeper>.Instance);
    }

    public SessionWorld Sessions { get; }

    public DiskContainers Containers { get; }

    public Sweeper Sweeper { get; }

    public TimeProvider Time => Sessions.World.Time;

    public Dictionary<SessionKey, ActorRef<SessionMessage>> Actors { get; } = [];

    /// <summary>How often a clean-up is lost, as by a crash right after the commit that asks for it.</summary>
    public double Lost { get; set; } = 0.5;

    /// <summary>A mutant: the sweeper asks nobody, and takes everything of a known session for unreferenced.</summary>
    public bool AsksNobody { get; init; }

    public string[] Parts => [.. Directory.EnumerateFiles(_root.At(".backhaul/parts"), "*", SearchOption.AllDirectories)];

    public string[] Results => [.. Directory.EnumerateFiles(_root.At(".backhaul/results")).Select(path => Path.GetFileName(path)!)];

    public bool HasParts(SessionKey session, int generation, string task)
    {
        var folder = _root.At($".backhaul/parts/{HiddenNames.Stem(session, generation, TaskId.Parse(task))}");
        return Directory.Exists(folder) && Directory.EnumerateFiles(folder).Any();
    }

    /// <summary>The node starts, or dies and starts anew: attempts end in the middle, and files stay as they are.</summary>
    public async Task StartAsync(params SessionKey[] keys)
    {
        if (Actors.Count > 0)
            Sessions.Crash();
        _attempts.Clear();
        Actors.Clear();
        await Sessions.StartAsync();
        Actors[SessionWorld.Key] = Sessions.Session;
        foreach (var key in keys.Where(key => key != SessionWorld.Key))
            Actors[key] = Sessions.StartSession(key);
    }

    public async Task<CommandReply> AskAsync(SessionKey session, SessionCommand command)
    {
        CommandReply? reply = null;
        await Sessions.UntilAsync(async () => (reply = await Sessions.Post(command, Actors[session])) is not CommandReply.Unavailable);
        return reply!;
    }

    public async Task<T> AskAsync<T>(SessionKey session, SessionCommand command, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(Assert.IsType<CommandReply.Done>(await AskAsync(session, command)).Json.Span, type)!;

    /// <summary>Some attempts finish or fail.</summary>
    public void Go()
    {
        foreach (var attempt in _attempts.ToList().Where(_ => _random.Next(2) == 0))
            attempt.Decision.TrySetResult(_random.Next(4) > 0);
    }

    public async Task<AttemptOutcome> RunAsync(AttemptOrder order, IAttemptReports reports, CancellationToken stop)
    {
        var owner = new PartOwner(order.Epoch, order.Attempt, static () => true);
        var attempt = new Attempt();
        _attempts.Add(attempt);
        await using (var part = await _parts.CreateAsync(order.Files, owner, null, null, CancellationToken.None))
            await part.WriteAsync(new byte[100], 0, CancellationToken.None);
        await using var registration = stop.Register(() => attempt.Decision.TrySetResult(null));
        var decision = await attempt.Decision.Task;
        _attempts.Remove(attempt);
        if (decision is null)
            return new AttemptOutcome.Stopped(0);
        var response = new AttemptResponse
        {
            Url = order.Url,
            Status = 200,
            Headers = new Dictionary<string, string>(),
            Resumable = false,
            ResumableWhy = "",
            From = 0,
            Total = 100,
        };
        if (decision is false)
            return new AttemptOutcome.Failed(new AttemptFailure { Code = TransferCodes.ConnectionLost, Message = "Lost.", Retryable = _random.Next(2) == 0 });
        var file = await _parts.PublishWholeAsync(order.Files, owner, new byte[100], null, false, CancellationToken.None);
        if (_random.NextDouble() > Lost)
            await _parts.DiscardAsync(order.Files, order.Epoch, false, CancellationToken.None);
        return new AttemptOutcome.Finished(response, 100, 0, file, true, null);
    }

    public async Task DiscardAsync(TaskFiles files, long epoch, bool resultToo)
    {
        if (_random.NextDouble() > Lost)
            await _parts.DiscardAsync(files, epoch, resultToo, CancellationToken.None);
    }

    public Task<bool> AbandonUploadAsync(AttemptOrder order) => Task.FromResult(true);

    public void Dispose()
    {
        Containers.Dispose();
        _root.Dispose();
    }

    private sealed class Attempt
    {
        public TaskCompletionSource<bool?> Decision { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private sealed class InlineWork : IFileWork
    {
        public ValueTask<TResult> RunAsync<TState, TResult>(Func<TState, TResult> work, TState state)
        {
            try
            {
                return new(work(state));
            }
            catch (Exception failed)
            {
                return ValueTask.FromException<TResult>(failed);
            }
        }
    }

    private sealed class SeededIds(Random random) : IIdSource
    {
        public Guid Next()
        {
            var bytes = new byte[16];
            random.NextBytes(bytes);
            return new Guid(bytes);
        }
    }

    /// <summary>Now and then nobody answers.</summary>
    private sealed class WorldRouter(SweepWorld world) : ICommandRouter
    {
        public async ValueTask<CommandReply> ExecuteAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline, CancellationToken stop) =>
            world.AsksNobody && command is SessionCommand.FindReferenced
                ? new CommandReply.Done(200, JsonSerializer.SerializeToUtf8Bytes(new FileReferences([], []), FileReferencesJson.Default.FileReferences))
            : world._random.NextDouble() < world.Lost / 5
                ? new CommandReply.Unavailable(UnavailableReason.Moving, TimeSpan.Zero, "Not now.")
                : await world.Sessions.Post(command, world.Actors[session]);
    }
}
