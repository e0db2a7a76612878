using System.Globalization;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Client.Tests.Events;

/// <summary>The event stream of a session, as a node would write it.</summary>
internal static class EventScript
{
    public static string Event(long number, string type = EventTypes.TaskCreated) =>
        $"id: {number}\nevent: {type}\ndata: {Json(number, type)}\n\n";

    public static string Json(long number, string type = EventTypes.TaskCreated)
    {
        var about = type is EventTypes.EventsDrained or EventTypes.SessionCreated ? "" : $"\"task\":\"t{number}\",";
        return $$$"""{"number":{{{number}}},"type":"{{{type}}}","at":"2026-11-21T10:30:00Z",{{{about}}}"data":{"é":1}}""";
    }

    public static string Progress => """
        event: progress
        data: {"task":"t1","progress":{"bytesReceived":5,"bytesSent":0,"generation":1}}


        """;

    public static HttpResponseMessage Page(long last, long acknowledged, params long[] numbers) =>
        Answer.Json($$"""{"events":[{{string.Join(',', numbers.Select(number => Json(number)))}}],"last":{{last}},"acknowledged":{{acknowledged}}}""");

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public static bool IsStream(this SeenRequest seen) => seen.Header("Accept") == "text/event-stream";

    public static bool IsPage(this SeenRequest seen) => seen.Path.Contains("/events?", StringComparison.Ordinal) && !seen.IsStream();

    public static long After(this SeenRequest seen) =>
        long.Parse(seen.Uri.Query.Split('&')[0]["?after=".Length..], CultureInfo.InvariantCulture);
}
