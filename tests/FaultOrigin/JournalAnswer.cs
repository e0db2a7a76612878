using System.Globalization;
using System.Text.Json;

namespace Backhaul.FaultOrigin;

/// <summary>Answers <c>/-/journal</c>: one JSON object a line.</summary>
internal static class JournalAnswer
{
    private static readonly JsonSerializerOptions Camel = new(JsonSerializerDefaults.Web);

    public static async Task<bool> RunAsync(OriginConnection connection, IReadOnlyList<OriginRequest> requests, CancellationToken stop)
    {
        using var lines = new MemoryStream();
        foreach (var request in requests)
        {
            await JsonSerializer.SerializeAsync(lines, request, Camel, stop);
            lines.WriteByte((byte)'\n');
        }
        await connection.SendAsync(
            string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: {lines.Length}\r\n\r\n"), stop);
        await connection.SendAsync(lines.GetBuffer().AsMemory(0, (int)lines.Length), stop);
        return true;
    }
}
