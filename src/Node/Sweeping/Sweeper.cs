using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;

namespace Backhaul.Node.Sweeping;

/// <summary>
/// Removes what nothing refers to any more, and nothing else. For each kind of leftover, of what did not change within the grace:
/// <code>
///   staging   of dead processes (their lock is free)                    removed
///   upload    expired, or begun and never said to anybody               removed
///   kept      older than Backhaul:Files:KeptPartAge                     removed
///   part      its task ended, or never was      ─┐  asked of the session, which alone knows; removed when it says so,
///   result    its event is acknowledged         ─┘  kept when it refers to it, and kept when it cannot answer
/// </code>
/// It is the way back from every crash between an event and the unlink that follows it. One node at a time sweeps a container; two at once would only do some
/// work twice, because nothing that was judged useless can become useful: ids of ended tasks stay taken, and what a new attempt makes is young and has another name.
/// </summary>
internal sealed class Sweeper(ILeftovers leftovers, ReferenceFinder references, SweeperOptions options, TimeProvider time, ILogger<Sweeper> logger)
{
    private const int PageMax = 5_000;

    public IReadOnlyList<ContainerName> Containers => leftovers.Containers;

    /// <summary>Null when another node sweeps it, or did so recently.</summary>
    /// <param name="dryRun">Counts, and removes nothing.</param>
    /// <param name="notWithin">Not when a sweep ended less than this ago.</param>
    public async ValueTask<SweepReport?> SweepAsync(ContainerName container, bool dryRun, TimeSpan notWithin, CancellationToken stop)
    {
        using var turn = await leftovers.EnterAsync(container, notWithin, stop);
        if (turn is null)
            return null;
        var before = time.GetUtcNow() - options.Grace;
        var tally = new Tally();
        try
        {
            foreach (var kind in (LeftoverKind[])[LeftoverKind.Staging, LeftoverKind.Upload, LeftoverKind.Kept, LeftoverKind.Part, LeftoverKind.Result])
                await SweepAsync(container, kind, before, dryRun, tally, stop);
            if (!dryRun)
                turn.Done();
        }
        catch (Exception failed) when (failed is StorageException or JournalStoreException)
        {
            tally.Failure = failed.Message;
            logger.SweepFailed(failed, container);
        }
        var report = tally.Report(container);
        if (!dryRun)
            Record(report);
        return report;
    }

    private async ValueTask SweepAsync(ContainerName container, LeftoverKind kind, DateTimeOffset before, bool dryRun, Tally tally, CancellationToken stop)
    {
        string? after = null;
        while (true)
        {
            var page = await leftovers.ListAsync(container, kind, after, PageMax, before, stop);
            if (page.Count == 0)
                return;
            after = page[^1].Name;
            var states = kind is LeftoverKind.Part or LeftoverKind.Result ? await references.FindAsync(page, stop) : null;
            for (var index = 0; index < page.Count; index++)
            {
                var state = states?[index] ?? ReferenceState.Unreferenced;
                if (state != ReferenceState.Unreferenced)
                    tally.Keep(state);
                else if (dryRun || await leftovers.RemoveAsync(page[index], before, stop))
                    tally.Sweep(page[index]);
            }
        }
    }

    private void Record(SweepReport report)
    {
        foreach (var (kind, swept) in report.Swept)
            SweepInstruments.Swept(kind.ToString().ToLowerInvariant(), swept.Count, swept.Bytes);
        if (report.Total.Count > 0)
            logger.Swept(report.Container, report.Total.Count, report.Total.Bytes, report.Kept);
        if (report.Unknown > 0)
            logger.CouldNotAsk(report.Container, report.Unknown);
    }

    private sealed class Tally
    {
        private readonly Dictionary<LeftoverKind, FileTally> _swept = [];
        private long _kept;
        private long _unknown;

        public string? Failure { get; set; }

        public void Sweep(Leftover leftover) => _swept[leftover.Kind] = _swept.GetValueOrDefault(leftover.Kind).Plus(1, leftover.Bytes);

        public void Keep(ReferenceState state)
        {
            if (state == ReferenceState.Referenced)
                _kept++;
            else
                _unknown++;
        }

        public SweepReport Report(ContainerName container) => new(container, _swept) { Kept = _kept, Unknown = _unknown, Failure = Failure };
    }
}
