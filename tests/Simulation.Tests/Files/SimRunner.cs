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
internal sealed class SimRunner(SimVolume volume, SimOrigin origin, VirtualProcess process, IWatchedNode node, Oracle oracle, SimRandom random, int shardCount) : IAttemptRunner
{
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(2);

    /// <summary>The volume hangs: what is asked of it takes this long, whoever wants to stop.</summary>
    public TimeSpan VolumeHangs { get; set; }

    public async Task<AttemptOutcome> RunAsync(AttemptOrder order, IAttemptReports reports, CancellationToken stop)
    {
        try
        {
            return stop.IsCancellationRequested ? new AttemptOutcome.Stopped(order.Resume?.Bytes ?? 0)
                : order.Kind == TaskKind.Upload ? await UploadAsync(order, stop)
                : await new Download(this, order, reports, stop).RunAsync();
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

    public async Task DiscardAsync(TaskFiles files, bool resultToo)
    {
        await DiskAsync();
        volume.Discard(files, resultToo);
    }

    private async Task<AttemptOutcome> UploadAsync(AttemptOrder order, CancellationToken stop)
    {
        var resource = origin.Ask(order.Url);
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

    /// <summary>The one place in which an attempt asks for leave: what it does then is held against the store's rows.</summary>
    private bool MayAct(AttemptOrder order, string what)
    {
        if (!order.Trust.MayAct)
            return false;
        oracle.OnOutward(node, ShardMap.ShardOf(order.Files.Session, shardCount), $"attempt {order.Attempt} of {order.Files.Session} {order.Files.Task} {what}");
        return true;
    }

    /// <summary>Off the logic's thread and back: a moment passes.</summary>
    private async ValueTask DiskAsync() =>
        await Task.Delay(VolumeHangs > TimeSpan.Zero ? VolumeHangs : random.Milliseconds(0.1, 5), process.Clock);

    private static AttemptOutcome.Failed Failed(string code, string message, long received, string? waitReason) => new(new AttemptFailure
    {
        Code = code,
        Message = message,
        Retryable = true,
        BytesReceived = received,
        WaitReason = waitReason,
    });

    private static AttemptResponse Head(AttemptOrder order, SimOrigin.Resource resource, long from) => new()
    {
        Url = order.Url,
        Status = from > 0 ? 206 : 200,
        Headers = new Dictionary<string, string>(StringComparer.Ordinal),
        Resumable = resource.IsResumable,
        ResumableWhy = "simulated",
        From = from,
        Total = resource.Blocks,
    };

    /// <summary>One attempt of a download: adopt or start anew, blocks and checkpoints, publication.</summary>
    private sealed class Download(SimRunner runner, AttemptOrder order, IAttemptReports reports, CancellationToken stop)
    {
        private readonly TaskFiles _files = order.Files;
        private SimOrigin.Resource _resource = null!;
        private SimInode _file = null!;
        private string _part = "";
        private int _version;
        private long _journaled = order.Resume?.Bytes ?? 0;

        public async Task<AttemptOutcome> RunAsync()
        {
            if (order.Resume is { Complete: true } complete)
            {
                await runner.DiskAsync();
                if (runner.volume.FindPublished(_files, complete) is { } published)
                    return Finished(published);
            }
            await Task.Delay(runner.random.Milliseconds(1, 60), runner.process.Clock, stop);
            if (!runner.MayAct(order, "sends a request"))
                return new AttemptOutcome.Failed(RequestSender.Untrusted(_journaled));
            if (runner.origin.Fails())
                return Failed(TransferCodes.ConnectFailed, "The origin did not answer.", _journaled, null);
            _resource = runner.origin.Ask(order.Url);
            _version = _resource.Version;
            if (await OpenAsync() is not { } from || !await reports.RespondedAsync(Head(order, _resource, from)))
                return new AttemptOutcome.Stopped(_journaled);
            return await MoveAsync((int)from) ?? await PublishAsync();
        }

        /// <summary>The block to go on from; null when the attempt is not wanted any more.</summary>
        private async ValueTask<long?> OpenAsync()
        {
            await runner.DiskAsync();
            if (order.Resume is { } resume)
            {
                if (_resource.IsResumable && resume.Validator == Validator && runner.volume.Adopt(_files, order.Epoch, order.Attempt, resume) is { } adopted)
                {
                    (_part, _file) = adopted;
                    return resume.Bytes;
                }
                if (!await reports.RestartedAsync("The content is another one."))
                    return null;
                _journaled = 0;
            }
            (_part, _file) = runner.volume.Create(_files, order.Epoch, order.Attempt, _resource.Blocks);
            return 0;
        }

        private async ValueTask<AttemptOutcome?> MoveAsync(int from)
        {
            var checkpointAt = runner.process.Clock.GetTimestamp();
            for (var block = from; block < _resource.Blocks; block++)
            {
                if (stop.IsCancellationRequested)
                    return await SettleAsync(block) ? new AttemptOutcome.Stopped(_journaled) : new AttemptOutcome.Stopped(0);
                await Task.Delay(_resource.BlockTime, runner.process.Clock);
                if (runner.origin.Fails() || (_resource.Version != _version && runner.random.Chance(0.2)))
                    return await SettleAsync(block) ? Failed(TransferCodes.ConnectionLost, "The origin closed the connection.", block, null) : new AttemptOutcome.Stopped(_journaled);
                if (!runner.MayAct(order, $"writes block {block}"))
                    return new AttemptOutcome.Failed(RequestSender.Untrusted(block));
                await runner.DiskAsync();
                _file.Write(block, _version);
                reports.Progress(block + 1, 0, _resource.Blocks, null);
                if (_resource.IsResumable && runner.process.Clock.GetElapsedTime(checkpointAt) >= CheckpointInterval)
                {
                    if (!await SettleAsync(block + 1))
                        return new AttemptOutcome.Stopped(_journaled);
                    checkpointAt = runner.process.Clock.GetTimestamp();
                }
            }
            return null;
        }

        /// <summary>Flush, then journal. False when the attempt is not wanted any more.</summary>
        private async ValueTask<bool> SettleAsync(int blocks, bool complete = false)
        {
            if (blocks == 0 || (blocks == _journaled && !complete) || !_resource.IsResumable)
                return true;
            await runner.DiskAsync();
            _file.Flush();
            var checkpoint = new PartCheckpoint
            {
                Part = _part,
                Bytes = blocks,
                Total = _resource.Blocks,
                Validator = Validator,
                Complete = complete,
                Identity = complete ? new FileIdentity(_file.Id, _file.Blocks, 0) : null,
            };
            runner.oracle.Reports.Said(_files, order.Attempt, checkpoint);
            if (!await reports.CheckpointAsync(checkpoint))
                return false;
            _journaled = blocks;
            return true;
        }

        private async ValueTask<AttemptOutcome> PublishAsync()
        {
            if (_journaled > 0 && !await SettleAsync(_resource.Blocks, complete: true))
                return new AttemptOutcome.Stopped(_journaled);
            await runner.DiskAsync();
            _file.Flush();
            await runner.DiskAsync();
            return Finished(runner.volume.Publish(_files, _part, _file, runner.node.Name));
        }

        private string Validator => $"\"v{(_version == 0 ? _resource.Version : _version)}\"";

        private AttemptOutcome.Finished Finished(FileView file) => new(
            _resource is null
                ? new AttemptResponse { Url = order.Url, Status = 200, Headers = new Dictionary<string, string>(StringComparer.Ordinal), Resumable = true, ResumableWhy = "simulated", From = 0 }
                : Head(order, _resource, 0),
            file.Length, 0, file, Verified: true, null);
    }
}
