using System.Buffers;
using System.Text.Json;
using Backhaul.Node.Journal;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>From numbered journal rows to the events that clients see. What an event shows is fixed by its row: no state is needed.</summary>
internal static class EventViews
{
    public static EventView View(JournalRow row, SessionEvent happened) => new()
    {
        Number = row.Number!.Value,
        Type = TypeOf(happened),
        At = happened.At,
        Task = (happened as TaskEvent)?.Task.ToString(),
        Data = Data(writer => Write(writer, happened)),
    };

    public static string TypeOf(SessionEvent happened) => happened switch
    {
        SessionCreated => EventTypes.SessionCreated,
        SessionInvalidated => EventTypes.SessionInvalidated,
        TaskCreated => EventTypes.TaskCreated,
        TaskStarted => EventTypes.TaskStarted,
        TaskContinued => EventTypes.Resumed,
        TaskRestarted => EventTypes.Restarted,
        TaskRedirected => EventTypes.Redirected,
        TaskExpectationExceeded => EventTypes.ExpectationExceeded,
        TaskWaiting => EventTypes.TaskWaiting,
        TaskChallenged => EventTypes.Challenge,
        TaskDelayedRequest => EventTypes.DelayedRequest,
        TaskRangesDownloaded => EventTypes.RangesDownloaded,
        TaskFinishedFile => EventTypes.TaskFinishedFile,
        TaskCompleted => EventTypes.TaskCompleted,
        GroupCompleted => EventTypes.GroupCompleted,
        CompletionFired => EventTypes.CompletionGroupFired,
        EventsDrained => EventTypes.EventsDrained,
        EventsExpired => EventTypes.EventsExpired,
        TaskDeadlineNear => EventTypes.DeadlineNear,
        _ => throw new InvalidOperationException($"{happened.GetType().Name} is not an event for clients."),
    };

    private static void Write(Utf8JsonWriter json, SessionEvent happened)
    {
        switch (happened)
        {
            case SessionCreated created:
                json.WriteNumber("generation", created.Generation);
                break;
            case TaskCreated created:
                json.WriteString("kind", TaskViews.KindOf(created.Spec.Kind));
                json.WriteString("url", ShownUrl.Of(created.Spec.Url));
                WriteText(json, "description", created.Spec.Description);
                break;
            case TaskStarted started:
                json.WriteNumber("attempt", started.Attempt);
                json.WriteNumber("from", started.From);
                break;
            case TaskContinued continued:
                json.WriteNumber("attempt", continued.Attempt);
                json.WriteNumber("from", continued.From);
                WriteNumber(json, "total", continued.Total);
                break;
            case TaskRestarted restarted:
                json.WriteNumber("attempt", restarted.Attempt);
                json.WriteNumber("generation", restarted.Generation);
                json.WriteString("why", restarted.Why);
                break;
            case TaskRedirected redirected:
                json.WriteNumber("attempt", redirected.Attempt);
                json.WriteString("url", ShownUrl.Of(redirected.Url));
                json.WriteNumber("status", redirected.Status);
                break;
            case TaskExpectationExceeded exceeded:
                json.WriteNumber("expectedBytes", exceeded.ExpectedBytes);
                json.WriteNumber("actualBytes", exceeded.ActualBytes);
                break;
            case TaskDeadlineNear near:
                WriteNear(json, near);
                break;
            case TaskWaiting waiting:
                json.WriteString("reason", waiting.Reason);
                if (waiting.Until is { } until)
                    json.WriteString("nextEvaluationAt", until.UtcDateTime);
                if (waiting.Response is { } pausing)
                    json.WriteNumber("status", pausing.Status);
                WriteError(json, waiting.Error);
                break;
            case TaskDelayedRequest asked:
                json.WriteNumber("attempt", asked.Attempt);
                json.WriteString("url", ShownUrl.Of(asked.Url));
                json.WriteString("until", asked.Until.UtcDateTime);
                json.WriteString("default", asked.Default);
                break;
            case TaskChallenged challenged:
                WriteChallenge(json, challenged);
                break;
            case TaskRangesDownloaded downloaded:
                json.WriteStartArray("ranges");
                foreach (var range in downloaded.Ranges)
                {
                    json.WriteStartArray();
                    json.WriteNumberValue(range.From);
                    json.WriteNumberValue(range.To);
                    json.WriteEndArray();
                }
                json.WriteEndArray();
                WriteNumber(json, "total", downloaded.Total);
                break;
            case EventsExpired expired:
                json.WriteNumber("from", expired.From);
                json.WriteNumber("through", expired.Through);
                break;
            case TaskFinishedFile finished:
                WriteFile(json, finished.File);
                break;
            case TaskCompleted completed:
                WriteCompleted(json, completed);
                break;
            case GroupCompleted ended:
                json.WriteString("group", ended.Group.ToString());
                WriteCounts(json, ended.Counts);
                break;
            case CompletionFired fired:
                json.WriteString("group", fired.Group.ToString());
                WriteCounts(json, fired.Counts);
                break;
        }
    }

    private static void WriteChallenge(Utf8JsonWriter json, TaskChallenged challenged)
    {
        var asked = challenged.Challenge;
        json.WriteNumber("attempt", challenged.Attempt);
        WriteText(json, "scheme", asked.Scheme);
        WriteText(json, "realm", asked.Realm);
        json.WriteString("host", asked.Host);
        json.WriteNumber("port", asked.Port);
        json.WriteBoolean("isProxy", asked.IsProxy);
        json.WriteBoolean("wasRefused", asked.WasRefused);
        json.WriteNumber("count", challenged.Count);
    }

    private static void WriteNear(Utf8JsonWriter json, TaskDeadlineNear near)
    {
        json.WriteString("deadline", near.Deadline.UtcDateTime);
        json.WriteString("state", near.State);
        json.WriteNumber("bytesReceived", near.BytesReceived);
        json.WriteNumber("bytesSent", near.BytesSent);
        WriteNumber(json, "total", near.Total);
        if (near.Eta is not { } eta)
            return;
        json.WritePropertyName("eta");
        JsonSerializer.Serialize(json, eta, ProtocolJson.Default.TimeSpan);
    }

    private static void WriteCompleted(Utf8JsonWriter json, TaskCompleted completed)
    {
        json.WriteString("outcome", completed.Outcome);
        WriteError(json, completed.Error);
        WriteNumber(json, "status", completed.Status);
        json.WriteNumber("bytesReceived", completed.BytesReceived);
        json.WriteNumber("bytesSent", completed.BytesSent);
        WriteText(json, "integrity", completed.Integrity);
        WriteText(json, "sha256", completed.Sha256);
        if (completed.File is { } file)
            WriteFile(json, file);
    }

    private static void WriteCounts(Utf8JsonWriter json, EndedCounts counts)
    {
        json.WriteNumber("succeeded", counts.Succeeded);
        json.WriteNumber("failed", counts.Failed);
        json.WriteNumber("cancelled", counts.Cancelled);
        json.WriteNumber("expired", counts.Expired);
    }

    private static void WriteFile(Utf8JsonWriter json, FileView file)
    {
        json.WritePropertyName("file");
        JsonSerializer.Serialize(json, file, ProtocolJson.Default.FileView);
    }

    private static void WriteError(Utf8JsonWriter json, TaskError? error)
    {
        if (error is null)
            return;
        json.WriteStartObject("error");
        json.WriteString("code", error.Code);
        json.WriteString("message", error.Message);
        json.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
            json.WriteString(name, text);
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
            json.WriteNumber(name, value);
    }

    private static JsonElement Data(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }
}
