using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Files;

/// <summary>
/// The transfer engine of one simulated process, in the place of AttemptRunner: the same rules for parts, checkpoints, trust and publication,
/// with blocks in the place of bytes. Between the check of trust and the write that it allows lies a moment, as there does in
/// reality; a process that is stopped in it writes late.
/// </summary>
internal sealed class SimRunner(SimVolume volume, SimOrigin origin, VirtualProcess process, IWatchedNode node, Oracle oracle, SimRandom random, SimOptions options) : IAttemptRunner
{
    public SimVolume Volume => volume;

    public SimOrigin Origin => origin;

    public ProcessClock Clock => process.Clock;

    public SimRandom Random => random;

    public Oracle Oracle => oracle;

    public string Node => node.Name;

    /// <summary>What runs here.</summary>
    public SlotChecks Slots { get; } = new(node.Name, options.Transfers, options.Sharding.ChildStop, process.Clock);

    /// <summary>The volume hangs: what is asked of it takes this long, whoever wants to stop.</summary>
    public TimeSpan VolumeHangs { get; set; }

    public async Task<AttemptOutcome> RunAsync(AttemptOrder order, IAttemptReports reports, CancellationToken stop)
    {
        using var counted = Slots.Begin(order, stop);
        try
        {
            return stop.IsCancellationRequested ? new AttemptOutcome.Stopped(order.Resume?.Bytes ?? 0)
                : order.Kind == TaskKind.Upload ? await UploadAsync(order, stop)
                : await new SimDownload(this, order, reports, stop).RunAsync();
        }
        catch (StorageException refused)
        {
            return Failed(TransferCodes.StorageFailed, refused.Message, order.Resume?.Bytes ?? 0, WaitReasons.Storage);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new AttemptOutcome.Stopped(order.Resume?.Bytes ?? 0);
        }
    }

    public async Task DiscardAsync(TaskFiles files, long epoch, bool resultToo)
    {
        await DiskAsync();
        volume.Discard(files, epoch, resultToo);
    }

    public Task<bool> AbandonUploadAsync(AttemptOrder order) => Task.FromResult(true); // uploads of the simulation have no state at their target

    private async Task<AttemptOutcome> UploadAsync(AttemptOrder order, CancellationToken stop)
    {
        var resource = origin.Ask(order.Url);
        if (Challenge(order, resource) is { } challenged)
            return challenged;
        for (var block = 0; block < resource.Blocks; block++)
        {
            await Task.Delay(resource.BlockTime, process.Clock, stop);
            if (!MayAct(order, "sends a block"))
                return new AttemptOutcome.Failed(RequestSender.Untrusted(block));
            if (origin.Fails())
                return Failed(TransferCodes.ConnectionLost, "The origin closed the connection.", block, null);
        }
        return new AttemptOutcome.Finished(Head(order, resource, 0), 0, resource.Blocks, null, Verified: false, null);
    }

    /// <summary>401, as the product's transfer engine reports it; null when the origin is content.</summary>
    public AttemptOutcome.Failed? Challenge(AttemptOrder order, SimOrigin.Resource resource)
    {
        var url = new Uri(order.Url);
        var given = order.Access.Credentials.FirstOrDefault(rule => rule.Host == $"{url.Host}:{url.Port}");
        if (!resource.IsProtected || given?.Secret == "good")
            return null;
        oracle.Questions.OnMet(order.Files.Session, order.Files.Task, order.Attempt);
        var failure = AccessFailures.Challenged(new ChallengeFacts("basic", "simulated", url.Host, url.Port, IsProxy: false, WasRefused: given is not null), 401);
        return new AttemptOutcome.Failed(options.Plan.Rules.ChallengesAreSwallowed ? failure with { Challenge = null } : failure);
    }

    /// <summary>The one place in which an attempt asks for leave: what it does then is held against the store's rows.</summary>
    public bool MayAct(AttemptOrder order, string what)
    {
        if (!order.Trust.MayAct)
            return false;
        oracle.OnOutward(node, ShardMap.ShardOf(order.Files.Session, options.Sharding.ShardCount), $"attempt {order.Attempt} of {order.Files.Session} {order.Files.Task} {what}");
        return true;
    }

    /// <summary>Off the logic's thread and back: a moment passes.</summary>
    public async ValueTask DiskAsync() =>
        await Task.Delay(VolumeHangs > TimeSpan.Zero ? VolumeHangs : random.Milliseconds(1, 8), process.Clock);

    public static AttemptOutcome.Failed Failed(string code, string message, long received, string? waitReason) => new(new AttemptFailure
    {
        Code = code,
        Message = message,
        Retryable = true,
        BytesReceived = received,
        WaitReason = waitReason,
    });

    public static AttemptResponse Head(AttemptOrder order, SimOrigin.Resource resource, long from) => new()
    {
        Url = order.Url,
        Status = from > 0 ? 206 : 200,
        Headers = new Dictionary<string, string>(StringComparer.Ordinal),
        Resumable = resource.IsResumable,
        ResumableWhy = "simulated",
        From = from,
        Total = resource.Blocks,
    };
}
