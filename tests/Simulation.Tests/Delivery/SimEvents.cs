using Backhaul.Node.Api;
using Backhaul.Node.Delivery;
using Backhaul.Protocol;

namespace Backhaul.Simulation.Tests.Delivery;

/// <summary>What EventEndpoints does without HTTP: the product's subscription, first page, stream and waiting page, in the same order.</summary>
internal sealed class SimEvents(EventDelivery delivery, Func<TimeSpan> now)
{
    private readonly List<(SessionKey Session, TimeSpan Since)> _attached = [];
    private readonly Func<TimeSpan> _now = now;

    /// <summary>Since when somebody is attached here; null: nobody is.</summary>
    public TimeSpan? AttachedSince(SessionKey session)
    {
        var own = _attached.Where(attached => attached.Session == session).ToList();
        return own.Count > 0 ? own.Min(attached => attached.Since) : null;
    }

    public async Task StreamAsync(SessionKey session, long after, SimStream stream)
    {
        try
        {
            if (delivery.Feed.Subscribe(session) is not { } feed)
                return;
            using (feed)
            {
                var reading = await delivery.Source.ReadAsync(session, after, delivery.Options.PageEvents, stream.Gone);
                if (reading is EventReading.Refused refused)
                    stream.Refuse(refused.Problem);
                if (reading is not EventReading.Page page)
                    return;
                feed.Attach();
                using var attached = new Attached(this, session);
                using var events = new EventStream(delivery.Source, feed, stream, delivery.Time, delivery.Random.NextUnit, delivery.Options);
                await events.RunAsync(page.Events, after, delivery.Readiness.StreamsClosing, stream.Gone);
            }
        }
        catch (OperationCanceledException) when (stream.Gone.IsCancellationRequested)
        {
            return; // the client left while its first page was read
        }
        finally
        {
            stream.End();
        }
    }

    public async Task<EventReading> PollAsync(SessionKey session, long after, TimeSpan wait)
    {
        using var feed = delivery.Feed.Subscribe(session)!;
        feed.Attach();
        using var attached = new Attached(this, session);
        return await new EventPoll(delivery.Source, delivery.Time).ReadAsync(
            feed, after, delivery.Options.PageEvents, wait, delivery.Readiness.StreamsClosing, CancellationToken.None);
    }

    private sealed class Attached : IDisposable
    {
        private readonly SimEvents _events;
        private readonly (SessionKey, TimeSpan) _entry;

        public Attached(SimEvents events, SessionKey session)
        {
            (_events, _entry) = (events, (session, events._now()));
            events._attached.Add(_entry);
        }

        public void Dispose() => _events._attached.Remove(_entry);
    }
}
