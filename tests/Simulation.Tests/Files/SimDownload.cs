using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Simulation.Tests.Files;

/// <summary>One attempt of a download: adopt or start anew, blocks and checkpoints, publication.</summary>
internal sealed class SimDownload(SimRunner runner, AttemptOrder order, IAttemptReports reports, CancellationToken stop)
{
    private static readonly TimeSpan CheckpointInterval = TimeSpan.FromSeconds(2);

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
            if (runner.Volume.FindPublished(_files, complete) is { } published)
                return Finished(published);
        }
        await Task.Delay(runner.Random.Milliseconds(1, 60), runner.Clock, stop);
        if (!runner.MayAct(order, "sends a request"))
            return new AttemptOutcome.Failed(RequestSender.Untrusted(_journaled));
        if (runner.Origin.Fails())
            return SimRunner.Failed(TransferCodes.ConnectFailed, "The origin did not answer.", _journaled, null);
        _resource = runner.Origin.Ask(order.Url);
        _version = _resource.Version;
        if (runner.Challenge(order, _resource) is { } challenged)
            return challenged;
        if (await OpenAsync() is not { } from || !await reports.RespondedAsync(SimRunner.Head(order, _resource, from)))
            return new AttemptOutcome.Stopped(_journaled);
        return await MoveAsync((int)from) ?? await PublishAsync();
    }

    /// <summary>The block to go on from; null when the attempt is not wanted any more.</summary>
    private async ValueTask<long?> OpenAsync()
    {
        await runner.DiskAsync();
        if (order.Resume is { } resume)
        {
            if (_resource.IsResumable && resume.Validator == Validator && runner.Volume.Adopt(_files, order.Epoch, order.Attempt, resume) is { } adopted)
            {
                (_part, _file) = adopted;
                return resume.Bytes;
            }
            if (!await reports.RestartedAsync("The content is another one."))
                return null;
            _journaled = 0;
        }
        (_part, _file) = runner.Volume.Create(_files, order.Epoch, order.Attempt, _resource.Blocks);
        return 0;
    }

    private async ValueTask<AttemptOutcome?> MoveAsync(int from)
    {
        var checkpointAt = runner.Clock.GetTimestamp();
        for (var block = from; block < _resource.Blocks; block++)
        {
            if (stop.IsCancellationRequested)
                return await SettleAsync(block) ? new AttemptOutcome.Stopped(_journaled) : new AttemptOutcome.Stopped(0);
            await Task.Delay(_resource.BlockTime, runner.Clock);
            if (runner.Origin.Fails() || (_resource.Version != _version && runner.Random.Chance(0.2)))
                return await SettleAsync(block) ? SimRunner.Failed(TransferCodes.ConnectionLost, "The origin closed the connection.", block, null) : new AttemptOutcome.Stopped(_journaled);
            if (!runner.MayAct(order, $"writes block {block}"))
                return new AttemptOutcome.Failed(RequestSender.Untrusted(block));
            await runner.DiskAsync();
            _file.Write(block, _version);
            reports.Progress(block + 1, 0, _resource.Blocks, null);
            if (_resource.IsResumable && runner.Clock.GetElapsedTime(checkpointAt) >= CheckpointInterval)
            {
                if (!await SettleAsync(block + 1))
                    return new AttemptOutcome.Stopped(_journaled);
                checkpointAt = runner.Clock.GetTimestamp();
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
        runner.Oracle.Reports.Said(_files, order.Attempt, checkpoint);
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
        if (!runner.MayAct(order, "publishes"))
            return new AttemptOutcome.Failed(RequestSender.Untrusted(_resource.Blocks));
        await runner.DiskAsync();
        return Finished(runner.Volume.Publish(_files, _part, _file, runner.Node));
    }

    private string Validator => $"\"{_resource.Name}-v{(_version == 0 ? _resource.Version : _version)}\"";

    private AttemptOutcome.Finished Finished(FileView file) => new(
        _resource is null
            ? new AttemptResponse { Url = order.Url, Status = 200, Headers = new Dictionary<string, string>(StringComparer.Ordinal), Resumable = true, ResumableWhy = "simulated", From = 0 }
            : SimRunner.Head(order, _resource, 0),
        file.Length, 0, file, Verified: true, null);
}
