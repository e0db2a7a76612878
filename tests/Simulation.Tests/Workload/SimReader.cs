using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Delivery;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>
/// How a client gets its sessions' events: by pages, by pages that wait, by streams, all from the last number that it has. R2: they come in order and
/// without a gap; what is missing was acknowledged, by the client elsewhere or by the session's receiver (D1), or ended with its retention (R4).
/// </summary>
internal sealed partial class SimReader(string name, ISimEdge edge, VirtualProcess process, SimRandom random, Oracle oracle)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A client sees an event for the first time.</summary>
    public Action<SessionKey, SimBook, EventView>? Saw { get; set; }

    /// <summary>Gives back how many were new; -1 when nobody answered.</summary>
    public async Task<int> PageAsync(SessionKey session, SimBook book)
    {
        var restores = Begin(book);
        var from = book.Seen;
        var reply = await edge.AskAsync(session, new SessionCommand.ReadEvents(from, 50), null, Patience);
        return reply switch
        {
            CommandReply.Refused { Problem.Status: 404 } when oracle.Restores > 0 => 0, // it was created in the time that is lost
            CommandReply.Refused { Problem: var problem } => Refused(session, book, problem),
            CommandReply.Done done when restores == oracle.Restores && !oracle.MayReadTheOld =>
                Take(session, book, from, JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.EventPage)!),
            _ => -1,
        };
    }

    /// <summary>As a page, and whoever waits is there.</summary>
    public async Task<int> PollAsync(SessionKey session, SimBook book)
    {
        var restores = Begin(book);
        var from = book.Seen;
        oracle.Webhooks.Launches.OnPresent(session);
        var reading = await edge.PollAsync(session, from, random.Seconds(0, 20));
        oracle.Webhooks.Launches.OnPresent(session);
        return reading switch
        {
            EventReading.Refused { Problem.Status: 404 } when oracle.Restores > 0 => 0,
            EventReading.Refused { Problem: var problem } => Refused(session, book, problem),
            EventReading.Page page when restores == oracle.Restores && !oracle.MayReadTheOld => Take(session, book, from, page.Events),
            _ => -1,
        };
    }

    /// <summary>Attaches, if it is not attached, and does not wait for what comes.</summary>
    public void Attach(SessionKey session, SimBook book, bool isPatient = false)
    {
        if (book.Stream is { IsOver: false })
            return;
        var restores = Begin(book);
        var sent = book.Seen;
        oracle.Webhooks.Launches.OnPresent(session);
        SimStream? stream = null;
        stream = book.Stream = edge.Attach(session, sent, view =>
        {
            if (restores != oracle.Restores || oracle.Restores > 0 && book.IsLost)
                return; // it tells of what never was
            if (view.Number <= sent)
                throw new InvariantBrokenException("R2", $"{name} has event {sent} of {session} on a stream, and gets {view.Number} after it.");
            CheckNext(session, book, sent, view.Number);
            oracle.OnSeen(session, view, $"{name}'s stream");
            sent = view.Number;
            Advance(session, book, view);
        }, problem =>
        {
            if (problem.Status != 404) // it is opened only now, or it was in the time that is lost
                Refused(session, book, problem);
        }, random.Chance(isPatient ? 0 : 0.05) ? random.Seconds(1, 40) : TimeSpan.Zero);
        if (stream is not null)
            process.Start(() => BePresentAsync(session, stream));
    }

    private async Task BePresentAsync(SessionKey session, SimStream stream)
    {
        while (!stream.IsOver)
        {
            oracle.Webhooks.Launches.OnPresent(session);
            await Task.Delay(TimeSpan.FromSeconds(5), process.Clock);
        }
    }

    private int Begin(SimBook book)
    {
        if (book.IsBefore(oracle.Restores))
            book.StartAnew(oracle.Restores);
        return oracle.Restores;
    }

    private int Take(SessionKey session, SimBook book, long from, EventPage page)
    {
        if (book.IsLost && page.Events.Count > 0)
            (book.Seen, book.IsLost, from) = (page.Events[0].Number - 1, false, page.Events[0].Number - 1);
        foreach (var seen in page.Events)
        {
            CheckNext(session, book, from, seen.Number);
            oracle.OnSeen(session, seen, $"{name}'s page");
            from = seen.Number;
            Advance(session, book, seen);
        }
        if (page.Last < from)
            throw new InvariantBrokenException("R2", $"{name} has read event {from} of {session}, and the last one is said to be {page.Last}.");
        return page.Events.Count;
    }

    private void CheckNext(SessionKey session, SimBook book, long sent, long next)
    {
        if (next == sent + 1 || oracle.Restores > 0 && (book.IsLost || sent == 0))
            return;
        if (next <= sent || oracle.HandledOf(session) < next - 1)
            throw new InvariantBrokenException("R2", $"{name} had read {session} up to event {sent}, and the next one is {next}.");
    }

    private void Advance(SessionKey session, SimBook book, EventView view)
    {
        if (view.Number <= book.Seen)
            return;
        book.Seen = view.Number;
        Saw?.Invoke(session, book, view);
    }

    /// <summary>410: time has ended what was not read.</summary>
    private int Refused(SessionKey session, SimBook book, Problem problem)
    {
        if (problem.Code != ProblemCodes.EventsExpired)
            throw new InvariantBrokenException("R2", $"{name} reads {session} after {book.Seen}, and is told {problem.Status} {problem.Code}: {problem.Detail}");
        var after = long.Parse(AfterOf().Match(problem.Detail!).Groups[1].Value, CultureInfo.InvariantCulture);
        if (oracle.Restores == 0 && oracle.HandledOf(session) < after)
            throw new InvariantBrokenException("R2", $"{name} is told to go on with {session} after {after}, and up to {oracle.HandledOf(session)} are acknowledged or expired.");
        book.Seen = Math.Max(book.Seen, after);
        return 1;
    }

    [GeneratedRegex("after=([0-9]+)")]
    private static partial Regex AfterOf();
}
