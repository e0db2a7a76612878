using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>Runs one row in this process: attempt after attempt, each from the last checkpoint, as a session does.</summary>
internal sealed class EngineRow(ScriptedOrigin origin, Engine engine, FaultRow row, Way way)
{
    private const int AttemptsMax = 8;

    private readonly string _task = row.Seed(way);
    private readonly List<string> _ends = [];
    private readonly List<SeenAsk> _asks = [];
    private PartCheckpoint? _resume;
    private int _attempts;

    public async Task RunAsync()
    {
        var url = row.Face is null
            ? origin.Bytes(_task, row.Length, row.QueryFor(way))
            : origin.SecureBytes(_task, row.Length, row.QueryFor(way), origin.ReserveFace());
        if (way == Way.AfterResume)
        {
            Assert.IsType<AttemptOutcome.Failed>(await AttemptAsync(url));
            _ends.Clear();
            _asks.Clear();
            Damage();
        }
        if (row.Face is { } face)
            origin.Wear(new Uri(url).Host, face, row.FaceTimes);
        while (_ends.Count < AttemptsMax && await AttemptAsync(url) is AttemptOutcome.Failed { Failure: { Retryable: true, Code: not TransferCodes.Credential } failure })
        {
            Assert.True((failure.RetryAfter ?? TimeSpan.Zero) >= row.RetryAfter || failure.Code == TransferCodes.HeldBack, $"{row} asked to wait for {failure.RetryAfter}.");
            // As long as the origin asked for, which is what a session's timer does; no row asks for longer than a minute.
            Assert.InRange(failure.RetryAfter ?? TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromMinutes(1));
            await Task.Delay(failure.RetryAfter ?? TimeSpan.Zero, TestContext.Current.CancellationToken);
        }
        await RowCheck.HoldsAsync(row, way, _ends, _asks, engine.FileOf(_task));
    }

    private List<OriginRequest> Requests() => [.. origin.Requests.Where(request => request.Path.StartsWith($"/bytes/{_task}/", StringComparison.Ordinal))];

    private async Task<AttemptOutcome> AttemptAsync(string url)
    {
        var reports = new RecordedReports();
        var asked = Requests().Count;
        var start = _resume is { Validator: not null } known ? known.Bytes : 0;
        var outcome = await engine.RunAsync(
            Engine.Download(_task, url) with
            {
                Attempt = ++_attempts,
                Epoch = _attempts,
                Resume = _resume,
                IdleTimeout = row.IsSilence ? TimeSpan.FromMilliseconds(400) : TimeSpan.FromSeconds(20),
                Sha256 = row.HasDigest ? OriginContent.Sha256(_task, row.Length) : null,
                MaxBytes = row.MaxBytes,
            },
            reports);
        if (reports.Restarts.Count > 0)
            _resume = null;
        _resume = reports.Last ?? _resume;
        IReadOnlyList<long> durable = [start, .. reports.Checkpoints.Select(checkpoint => checkpoint.Bytes)];
        OriginRequest? before = null;
        foreach (var request in Requests().Skip(asked))
        {
            _asks.Add(new SeenAsk(request, before is null ? [start] : [.. durable, SeenAsk.EndOf(before)]));
            before = request;
        }
        if (outcome is AttemptOutcome.Failed failed)
        {
            if (failed.Failure.Code != TransferCodes.HeldBack) // the gate let nothing out: no request, and no end that a user hears of
                _ends.Add(failed.Failure.Code);
            if (failed.Failure.DiscardPart)
                _resume = null;
        }
        else
        {
            Assert.IsType<AttemptOutcome.Finished>(outcome);
            _ends.Add(Trace.Done);
        }
        return outcome;
    }

    private void Damage()
    {
        if (row.Sabotage == Sabotage.None)
            return;
        PartFiles.Damage(engine.Root, _resume!.Part, row.Sabotage);
    }
}
