using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Events;

/// <summary>
/// The numbered events of a session, each once, in order and without gaps, over as many connections as it takes.
///
/// <code>
/// connecting ──200──► reading ──number = last + 1──► given out, last = number
///     ▲                  │  ├──number ≤ last──► dropped: the node repeated it
///     │                  │  └──number > last + 1──► asked for by a page: the session has none between → given out, else reconnect
///     ├──410 eventsExpired──► last = the number before the first event that is kept; its own event tells what was lost
///     └──back-off────────┴── ended, broken, silent
/// </code>
///
/// Refusals (the session does not exist, the key is not known) end the stream with the exception; everything else is retried for as long
/// as the caller reads. The wait before a connection is what the node asked for by <c>retry:</c> or Retry-After, else exponential with
/// full jitter from 0.5 s to 30 s, reset by the first byte of a new connection.
/// </summary>
internal sealed class EventStream(Caller caller, string path, EventStreamOptions options)
{
    internal const int GapsMax = 3;
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <summary>The least wait, also when the server asks for none.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan RetryMax = TimeSpan.FromMinutes(5);
    private int _failures;
    private int _gaps;
    private TimeSpan? _retry;
    private TimeSpan? _retryAfter;
    private string _interruption = "";
    private int _endpoint;

    public async IAsyncEnumerable<EventView> ReadAsync(long after, [EnumeratorCancellation] CancellationToken stop)
    {
        var last = after;
        while (true)
        {
            (var connection, last) = await ConnectAsync(last, stop);
            await using (connection)
            {
                while (await NextAsync(connection, last, stop) is { } next)
                {
                    last = next.Number;
                    _gaps = 0;
                    yield return next;
                    if (next.Type == EventTypes.SessionInvalidated && await IsLastAsync(next.Number, stop))
                        yield break;
                }
                _retry = connection.Retry ?? _retry;
                _failures = connection.IsAlive ? 0 : _failures;
            }
            await BackOffAsync(last, stop);
        }
    }

    /// <summary>False when the identifier was created anew: the events of the next generation follow. Asked until a node knows.</summary>
    private async Task<bool> IsLastAsync(long number, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return await ReadOneAsync(number, stop) is { } page && page.Last <= number;
            }
            catch (BackhaulException undecided) when (undecided.IsTransient)
            {
                (_interruption, _retryAfter) = (undecided.Message, undecided.RetryAfter);
            }
            await BackOffAsync(number, stop);
        }
    }

    /// <summary>The next event after a number, as a page; null when those that followed it ended unread with their retention.</summary>
    private async Task<EventPage?> ReadOneAsync(long after, CancellationToken stop)
    {
        try
        {
            return await caller.GetAsync(string.Create(CultureInfo.InvariantCulture, $"{path}?after={after}&limit=1"), ProtocolJson.Default.EventPage, stop);
        }
        catch (BackhaulException expired) when (expired.Code == ProblemCodes.EventsExpired && after > 0)
        {
            return null;
        }
    }

    /// <summary>Where to go on when events behind <paramref name="last"/> ended unread: right before the first that is kept.</summary>
    private async Task<long> SkipExpiredAsync(long last, BackhaulException expired, CancellationToken stop)
    {
        var page = await ReadOneAsync(after: 0, stop);
        var next = page is { Events: [var first, ..] } ? first.Number - 1 : page!.Last;
        if (next <= last)
            throw expired;
        return next;
    }

    private async Task<(EventConnection Connection, long Last)> ConnectAsync(long last, CancellationToken stop)
    {
        var left = 0;
        BackhaulException? unread = null;
        while (true)
        {
            _endpoint = caller.Endpoint;
            try
            {
                if (unread is not null) // here, so that an outage of this call is waited for as well
                    (last, unread) = (await SkipExpiredAsync(last, unread, stop), null);
                return (await EventConnection.OpenAsync(caller, _endpoint, path, last, stop), last);
            }
            catch (BackhaulException expired) when (expired.Code == ProblemCodes.EventsExpired && last > 0 && unread is null)
            {
                unread = expired;
                continue;
            }
            catch (BackhaulException undecided) when (undecided.IsTransient)
            {
                if (RetryRules.IsOfThisNode(undecided.Problem.Status))
                {
                    caller.LeaveEndpoint(_endpoint);
                    left++;
                }
                (_interruption, _retryAfter) = (undecided.Message, caller.OthersRemain(undecided, left) ? null : undecided.RetryAfter);
            }
            catch (Exception broken) when (RetryRules.IsBroken(broken))
            {
                caller.LeaveEndpoint(_endpoint);
                left++;
                (_interruption, _retryAfter) = (broken.Message, null);
            }
            await BackOffAsync(last, stop);
        }
    }

    /// <summary>The next event that was not given out yet; null when the connection is of no use any more.</summary>
    private async ValueTask<EventView?> NextAsync(EventConnection connection, long last, CancellationToken stop)
    {
        try
        {
            while (await connection.NextAsync() is { } message)
            {
                if (message.Id is null)
                    ReportProgress(message);
                else if (Parse(message, ProtocolJson.Default.EventView) is { } next && next.Number > last)
                    return next.Number == last + 1 || await HasNoneBetweenAsync(last, next.Number, stop) ? next : null;
            }
            _interruption = "The node ended the event stream.";
            caller.LeaveEndpoint(_endpoint); // it drains: another one goes on
        }
        catch (IOException broken)
        {
            _interruption = broken.Message;
            caller.LeaveEndpoint(_endpoint);
        }
        catch (BackhaulException undecided) when (undecided.IsTransient)
        {
            (_interruption, _retryAfter) = (undecided.Message, undecided.RetryAfter);
        }
        return null;
    }

    /// <summary>Events that were acknowledged or have expired are gone for good; any other hole is a fault on the way.</summary>
    private async Task<bool> HasNoneBetweenAsync(long last, long number, CancellationToken stop)
    {
        if (await ReadOneAsync(last, stop) is not { } page)
        {
            _interruption = "Events ended unread with their retention.";
            return false;
        }
        if (page.Events.Count > 0 && page.Events[0].Number >= number)
            return true;
        _interruption = $"The event stream went from number {last} to {number}.";
        return ++_gaps < GapsMax ? false : throw new BackhaulException(new Problem
        {
            Status = 200,
            Code = ClientCodes.EventGap,
            Detail = $"The event stream went from number {last} to {number} for {GapsMax} times although the session has the events between; look for a proxy that drops parts of streams.",
        });
    }

    private void ReportProgress(StreamMessage message)
    {
        if (options.Progress is { } report && message.Type == "progress" && Parse(message, ProtocolJson.Default.ProgressView) is { } progress)
            report(progress);
    }

    private static T? Parse<T>(StreamMessage message, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(message.Data.Span, type);
        }
        catch (JsonException broken)
        {
            throw new BackhaulException(
                new Problem
                {
                    Status = 200,
                    Code = ClientCodes.UnexpectedAnswer,
                    Detail = $"The message {message.Type} {message.Id} of the event stream cannot be read: {broken.Message}",
                },
                broken);
        }
    }

    private async Task BackOffAsync(long last, CancellationToken stop)
    {
        _failures++;
        var asked = _retryAfter ?? (_failures == 1 ? _retry : null);
        var wait = asked is { } given
            ? given < RetryMax ? given : RetryMax
            : RetryRules.BackOff(_failures, caller.Options.Jitter(), _retry > First && _retry < Longest ? _retry.Value : First, Longest);
        if (wait < Pause)
            wait = Pause;
        _retryAfter = null;
        options.Interrupted?.Invoke(new EventStreamInterruption(_interruption, last, wait));
        await caller.WaitAsync(wait, stop);
    }
}
