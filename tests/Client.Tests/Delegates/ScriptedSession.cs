using System.Text.Json;
using Backhaul.Client.Tests.Events;
using Backhaul.Protocol;

namespace Backhaul.Client.Tests.Delegates;

/// <summary>A session on a scripted node: it has events, remembers what was acknowledged, and counts what was called.</summary>
internal sealed class ScriptedSession
{
    private readonly Lock _gate = new();
    private readonly List<string> _events = [];
    private readonly Dictionary<string, string> _tasks = new(StringComparer.Ordinal);
    private long _acknowledged;
    private int _openStreams;

    public ScriptedSession() => Node = new FakeNode((seen, _) => Answer(seen)) { IsAlone = true };

    public FakeNode Node { get; }

    public long Acknowledged
    {
        get
        {
            lock (_gate)
                return _acknowledged;
        }
    }

    /// <summary>Streams that were opened and are not closed.</summary>
    public int OpenStreams => Volatile.Read(ref _openStreams);

    /// <summary>What the node says instead, for calls it names.</summary>
    public Func<SeenRequest, HttpResponseMessage?> Instead { get; set; } = _ => null;

    /// <summary>Streams that are open then are closed; what was added meanwhile is on the next one.</summary>
    public Task HeldUntil { get; set; } = new TaskCompletionSource().Task;

    /// <summary>Written to each stream before its events.</summary>
    public string Preamble { get; set; } = "";

    public ScriptedSession Add(string type, string data = "{}", string? task = null)
    {
        lock (_gate)
        {
            var number = _events.Count + 1;
            var about = task is null ? "" : $"\"task\":\"{task}\",";
            _events.Add($$"""{"number":{{number}},"type":"{{type}}","at":"2026-11-21T10:30:00Z",{{about}}"data":{{data}}}""");
        }
        return this;
    }

    public void SetTask(string id, string state, string? outcome = null, string kind = "download")
    {
        var ended = outcome is null ? "" : $"\"outcome\":\"{outcome}\",";
        lock (_gate)
        {
            _tasks[id] = $$"""
                {"id":"{{id}}","kind":"{{kind}}","url":"https://example.org/a","method":"GET","state":"{{state}}",{{ended}}"priority":0.5,"attempts":0,
                "progress":{"bytesReceived":7,"bytesSent":0,"totalToReceive":9,"generation":1},"createdAt":"2026-11-21T10:30:00Z"}
                """;
        }
    }

    private HttpResponseMessage Answer(SeenRequest seen)
    {
        if (Instead(seen) is { } other)
            return other;
        lock (_gate)
        {
            if (seen.Path.EndsWith("/ack", StringComparison.Ordinal))
            {
                _acknowledged = Math.Max(_acknowledged, JsonSerializer.Deserialize(seen.Body, ProtocolJson.Strict.AckRequest)!.Through!.Value);
                return Tests.Answer.Json($$"""{"acknowledged":{{_acknowledged}},"last":{{_events.Count}}}""");
            }
            if (seen.IsStream())
            {
                var messages = _events.Skip((int)seen.After()).Select((json, index) => $"id: {seen.After() + index + 1}\nevent: x\ndata: {json}\n\n");
                var stream = Tests.Answer.Stream(new HeldStream(
                    EventScript.Bytes(Preamble + string.Concat(messages)),
                    HeldUntil is { IsCompleted: false } held ? held : new TaskCompletionSource().Task,
                    () => Interlocked.Decrement(ref _openStreams)));
                Interlocked.Increment(ref _openStreams); // the last step: who sees it open may change what the next one is
                return stream;
            }
            if (seen.IsPage())
            {
                var page = _events.Skip((int)seen.After()).Take(2);
                return Tests.Answer.Json($$"""{"events":[{{string.Join(',', page)}}],"last":{{_events.Count}},"acknowledged":{{_acknowledged}}}""");
            }
            if (seen.Path.Contains("/launches/", StringComparison.Ordinal))
                return Tests.Answer.Json("""{"number":3,"newest":3,"completed":true}""");
            if (seen.Path.Split("/tasks/") is [_, var rest])
                return Tests.Answer.Json(_tasks[rest.Split('/')[0]]);
            if (seen.Path.Contains("/tasks", StringComparison.Ordinal))
                return seen.Method == "GET" ? Tests.Answer.Json($$"""{"items":[{{string.Join(',', _tasks.Values)}}],"next":null}""") : Tests.Answer.Json(_tasks.Values.Last(), 201);
            return Tests.Answer.Json(Tests.Answer.Session
                .Replace("\"acknowledged\":0", $"\"acknowledged\":{_acknowledged}", StringComparison.Ordinal)
                .Replace("\"lastEvent\":0", $"\"lastEvent\":{_events.Count}", StringComparison.Ordinal));
        }
    }
}
